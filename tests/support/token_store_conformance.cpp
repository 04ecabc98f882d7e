#include "token_store_conformance.h"

#include <string>
#include <thread>
#include <vector>

#include "result_asserts.h"
#include "sample_tokens.h"

namespace midair::host {

using namespace std::chrono_literals;

namespace {

const CallLimits kLimits{60s};

WallTime at(std::chrono::milliseconds since_epoch) { return WallTime(since_epoch); }

StoredToken sample(const std::string& text) { return {Secret(text), "a test", at(1'790'000'000'123ms), std::nullopt}; }

std::string text_of(TokenStore& store, const std::string& app, TokenSlot slot) {
  const auto found = value_of(store.get(app, slot, kLimits));
  return found ? found->text.reveal() : "nothing";
}

}  // namespace

void TokenStoreConformance::a_token_comes_back_as_it_was_stored() {
  const auto store = open();
  StoredToken token = sample(sample_macaroon() + ",fo1_x'\"; --");
  token.source = "fly tokens create \xc3\xa9";
  for (const auto expires_at : {std::optional<WallTime>(), std::optional(at(1'790'086'400'999ms))}) {
    token.expires_at = expires_at;
    assert_ok(store->put("app", TokenSlot::manual, token, kLimits));
    const auto found = value_of(store->get("app", TokenSlot::manual, kLimits));
    CPPUNIT_ASSERT(found.has_value());
    CPPUNIT_ASSERT_EQUAL(token.text.reveal(), found->text.reveal());
    CPPUNIT_ASSERT_EQUAL(token.source, found->source);
    CPPUNIT_ASSERT(token.stored_at == found->stored_at);
    CPPUNIT_ASSERT(token.expires_at == found->expires_at);
  }
}

void TokenStoreConformance::what_is_not_there_is_nothing() {
  const auto store = open();
  CPPUNIT_ASSERT(!value_of(store->get("app", TokenSlot::acquired, kLimits)));
  CPPUNIT_ASSERT(value_of(store->list(kLimits)).empty());
}

void TokenStoreConformance::apps_and_slots_are_apart() {
  const auto store = open();
  assert_ok(store->put("a", TokenSlot::acquired, sample("1"), kLimits));
  assert_ok(store->put("a", TokenSlot::manual, sample("2"), kLimits));
  assert_ok(store->put("A", TokenSlot::acquired, sample("3"), kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(*store, "a", TokenSlot::acquired));
  CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(*store, "a", TokenSlot::manual));
  CPPUNIT_ASSERT_EQUAL(std::string("3"), text_of(*store, "A", TokenSlot::acquired));
  assert_ok(store->remove("a", TokenSlot::acquired, kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(*store, "a", TokenSlot::manual));
  CPPUNIT_ASSERT_EQUAL(std::string("3"), text_of(*store, "A", TokenSlot::acquired));
}

void TokenStoreConformance::putting_again_replaces() {
  const auto store = open();
  StoredToken expiring = sample("1");
  expiring.expires_at = at(1ms);
  assert_ok(store->put("a", TokenSlot::acquired, expiring, kLimits));
  assert_ok(store->put("a", TokenSlot::acquired, sample("2"), kLimits));
  const auto found = value_of(store->get("a", TokenSlot::acquired, kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("2"), found->text.reveal());
  CPPUNIT_ASSERT(!found->expires_at);
  CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(store->list(kLimits)).size());
}

void TokenStoreConformance::removal_is_idempotent() {
  const auto store = open();
  assert_ok(store->remove("a", TokenSlot::manual, kLimits));
  assert_ok(store->put("a", TokenSlot::manual, sample("1"), kLimits));
  assert_ok(store->remove("a", TokenSlot::manual, kLimits));
  assert_ok(store->remove("a", TokenSlot::manual, kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("nothing"), text_of(*store, "a", TokenSlot::manual));
}

void TokenStoreConformance::a_listing_is_complete_and_in_order() {
  const auto store = open();
  for (const char* app : {"b", "a-b", "a", "B", "ab"})
    for (const auto slot : {TokenSlot::manual, TokenSlot::acquired})
      assert_ok(store->put(app, slot, sample(app), kLimits));
  std::string order;
  for (const auto& entry : value_of(store->list(kLimits))) {
    CPPUNIT_ASSERT_EQUAL(entry.app, entry.token.text.reveal());
    CPPUNIT_ASSERT_EQUAL(std::string("a test"), entry.token.source);
    order += entry.app + (entry.slot == TokenSlot::manual ? "! " : " ");
  }
  CPPUNIT_ASSERT_EQUAL(std::string("B B! a a! a-b a-b! ab ab! b b! "), order);
}

void TokenStoreConformance::odd_but_legal_apps_work() {
  const auto store = open();
  for (const std::string& app :
       {std::string("' OR '1'='1"), std::string("a b%_$1?"), std::string("\xc3\xa9"), std::string(255, 'x')}) {
    assert_ok(store->put(app, TokenSlot::manual, sample("1"), kLimits));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(app, std::string("1"), text_of(*store, app, TokenSlot::manual));
    assert_ok(store->remove(app, TokenSlot::manual, kLimits));
    CPPUNIT_ASSERT(value_of(store->list(kLimits)).empty());
  }
}

void TokenStoreConformance::illegal_apps_are_refused() {
  const auto store = open();
  for (const std::string& app : {std::string(), std::string(256, 'x'), std::string("a\nb"), std::string("a\0b", 3)}) {
    assert_fails(store->put(app, TokenSlot::manual, sample("1"), kLimits), Errc::bad_input);
    assert_fails(store->get(app, TokenSlot::manual, kLimits), Errc::bad_input);
    assert_fails(store->remove(app, TokenSlot::manual, kLimits), Errc::bad_input);
  }
}

void TokenStoreConformance::a_long_token_is_kept_whole() {
  const auto store = open();
  std::string text;
  for (int i = 0; i < 64; ++i) text += sample_macaroon(static_cast<char>('0' + i)) + ",";
  assert_ok(store->put("a", TokenSlot::acquired, sample(text), kLimits));
  CPPUNIT_ASSERT_EQUAL(text, text_of(*store, "a", TokenSlot::acquired));
}

void TokenStoreConformance::all_handles_see_the_same() {
  const auto one = open();
  const auto other = open();
  assert_ok(one->put("a", TokenSlot::manual, sample("1"), kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(*other, "a", TokenSlot::manual));
  assert_ok(other->put("a", TokenSlot::manual, sample("2"), kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(*one, "a", TokenSlot::manual));
  assert_ok(one->remove("a", TokenSlot::manual, kLimits));
  CPPUNIT_ASSERT_EQUAL(std::string("nothing"), text_of(*other, "a", TokenSlot::manual));
}

void TokenStoreConformance::threads_may_share_a_store() {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10;
  const auto shared = open();
  const auto second = open();
  std::vector<std::string> failures(kThreads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        TokenStore& store = i % 2 == 0 ? *shared : *second;
        const std::string mine = "app-" + std::to_string(i);
        for (int round = 0; round < kRounds; ++round) {
          const std::string text = std::to_string(round);
          for (const std::string& app : {mine, std::string("common")})
            if (const auto put = store.put(app, TokenSlot::acquired, sample(text), kLimits); !put.ok())
              failures[static_cast<std::size_t>(i)] = put.error().to_string();
          const auto found = store.get(mine, TokenSlot::acquired, kLimits);
          if (!found.ok() || !*found || (*found)->text.reveal() != text)
            failures[static_cast<std::size_t>(i)] = "not read back: " + text;
        }
      });
    }
  }
  for (const auto& failure : failures) CPPUNIT_ASSERT_EQUAL(std::string(), failure);
  CPPUNIT_ASSERT_EQUAL(std::size_t{kThreads + 1}, value_of(shared->list(kLimits)).size());
}

void TokenStoreConformance::its_name_is_for_people() {
  const std::string name = open()->name();
  CPPUNIT_ASSERT(!name.empty());
  CPPUNIT_ASSERT_MESSAGE(name, name.find("password") == std::string::npos);
}

}  // namespace midair::host
