#include "token_chain.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "midair/durable_file.h"
#include "midair/host/memory_token_store.h"
#include "midair/log.h"
#include "result_asserts.h"
#include "scripted_origin.h"

namespace midair::host::tokens {

using namespace std::chrono_literals;

namespace {

const CallLimits kLimits{60s};
const Error kNone{Errc::not_found, "find", "a token", "there is none"};

/// A store whose failures a test chooses.
class FailingStore final : public TokenStore {
 public:
  Result<std::optional<StoredToken>> get(const std::string&, TokenSlot, const CallLimits&) override { return error; }
  Result<void> put(const std::string&, TokenSlot, const StoredToken&, const CallLimits&) override { return error; }
  Result<void> remove(const std::string&, TokenSlot, const CallLimits&) override { return error; }
  Result<std::vector<TokenEntry>> list(const CallLimits&) override { return error; }
  [[nodiscard]] std::string name() const override { return "failing"; }
  Error error{Errc::unavailable, "reach", "the store", "it is down"};
};

}  // namespace

class TokenChainTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TokenChainTest);
  CPPUNIT_TEST(the_first_source_that_has_one_wins);
  CPPUNIT_TEST(a_found_token_is_cached_per_app);
  CPPUNIT_TEST(a_cached_token_ends_with_its_time);
  CPPUNIT_TEST(what_was_minted_is_stored_and_found_there);
  CPPUNIT_TEST(what_was_only_read_is_not_stored);
  CPPUNIT_TEST(nothing_is_stored_where_the_store_is_switched_off);
  CPPUNIT_TEST(without_any_token_every_source_is_named);
  CPPUNIT_TEST(a_broken_source_is_passed_by);
  CPPUNIT_TEST(a_store_that_is_down_is_passed_by);
  CPPUNIT_TEST(a_store_that_others_may_read_is_not_passed_by);
  CPPUNIT_TEST(a_rejected_token_is_not_given_again);
  CPPUNIT_TEST(a_rejected_token_leaves_the_store);
  CPPUNIT_TEST(if_all_were_rejected_that_is_said_and_the_next_caller_may_try);
  CPPUNIT_TEST(rejecting_an_old_token_leaves_the_new_one);
  CPPUNIT_TEST(a_401_is_tried_once_more_with_another_token);
  CPPUNIT_TEST(a_rejected_token_that_another_replaces_is_a_warning);
  CPPUNIT_TEST(callers_for_one_app_share_one_search);
  CPPUNIT_TEST(callers_for_one_app_share_its_failure);
  CPPUNIT_TEST(apps_do_not_wait_for_each_other);
  CPPUNIT_TEST(an_impatient_caller_leaves_the_search_to_others);
  CPPUNIT_TEST(a_waiting_caller_keeps_its_own_limits);
  CPPUNIT_TEST(a_refresh_gives_a_newer_token);
  CPPUNIT_TEST(nobody_gets_the_old_token_once_a_refresh_began);
  CPPUNIT_TEST(what_was_being_searched_when_a_refresh_began_is_void);
  CPPUNIT_TEST(invalidating_keeps_the_manual_token);
  CPPUNIT_TEST(a_renewal_goes_unnoticed);
  CPPUNIT_TEST(a_failed_renewal_keeps_the_old_token);
  CPPUNIT_TEST(a_renewal_takes_nothing_that_is_not_new);
  CPPUNIT_TEST(many_threads_never_see_an_old_token_after_a_refresh);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { set_log_level(LogLevel::error); }

 private:
  /// A chain of the store and the scripted origins.
  std::unique_ptr<TokenChain> chain(const std::vector<std::string>& names = {"store", "first", "mint", "manual"}) {
    std::vector<std::unique_ptr<TokenOrigin>> origins;
    for (const auto& name : names) {
      if (name == "store") origins.push_back(stored_origin(*store_, TokenSlot::acquired, system_clock()));
      if (name == "manual") origins.push_back(stored_origin(*store_, TokenSlot::manual, system_clock()));
      if (name == "first") origins.push_back(make(first_, name, false));
      if (name == "mint") origins.push_back(make(mint_, name, true));
    }
    return std::make_unique<TokenChain>(std::move(origins), *store_, system_clock());
  }
  static std::unique_ptr<TokenOrigin> make(ScriptedOrigin*& place, const std::string& name, bool mints) {
    auto origin = std::make_unique<ScriptedOrigin>(name, mints);
    place = origin.get();
    return origin;
  }
  static std::string get(TokenSource& source, const std::string& app = "app") {
    return value_of(source.token(app, kLimits))->text.reveal();
  }
  std::string stored(TokenSlot slot = TokenSlot::acquired) {
    const auto found = value_of(memory_.get("app", slot, kLimits));
    return found ? found->text.reveal() : "nothing";
  }
  void store_token(TokenSlot slot, const std::string& text) {
    assert_ok(memory_.put("app", slot, {Secret(text), "a test", WallTime(), std::nullopt}, kLimits));
  }

  void the_first_source_that_has_one_wins() {
    const auto tokens = chain();
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(0, mint_->calls());
    first_->fail_with(kNone);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens, "another"));
    mint_->fail_with(kNone);
    store_token(TokenSlot::manual, "fo1_by-hand");
    const auto last = chain();
    first_->fail_with(kNone);
    mint_->fail_with(kNone);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_by-hand"), get(*last));
  }

  void a_found_token_is_cached_per_app() {
    const auto tokens = chain();
    CPPUNIT_ASSERT_EQUAL(get(*tokens, "a"), get(*tokens, "a"));
    CPPUNIT_ASSERT(get(*tokens, "a") != get(*tokens, "b"));
    CPPUNIT_ASSERT_EQUAL(2, first_->calls());
  }

  void a_cached_token_ends_with_its_time() {
    const auto tokens = chain();
    first_->reuse_for(0ms);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-2"), get(*tokens));
    ManualClock clock;
    TokenCache cache(clock);
    cache.put("app", ApiToken{}, clock.now() + 24h);
    clock.advance(24h - 1ns);
    CPPUNIT_ASSERT(cache.find("app") != nullptr);
    clock.advance(1ns);
    CPPUNIT_ASSERT(cache.find("app") == nullptr);
  }

  void what_was_minted_is_stored_and_found_there() {
    const auto tokens = chain();
    first_->fail_with(kNone);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), stored());
    const auto later = chain();
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*later));
    CPPUNIT_ASSERT_EQUAL(0, mint_->calls());
  }

  void what_was_only_read_is_not_stored() {
    get(*chain());
    CPPUNIT_ASSERT_EQUAL(std::string("nothing"), stored());
  }

  void nothing_is_stored_where_the_store_is_switched_off() {
    const auto tokens = chain({"mint"});
    get(*tokens);
    CPPUNIT_ASSERT_EQUAL(std::string("nothing"), stored());
  }

  void without_any_token_every_source_is_named() {
    const auto tokens = chain();
    first_->fail_with(kNone);
    mint_->fail_with(Error{Errc::unavailable, "run", "fly", "not logged in", "fly auth login"});
    const auto none = tokens->token("app", kLimits);
    for (const char* words :
         {"first: there is none", "mint: not logged in", "store: ", "manual: ", "midair tokens set"})
      assert_fails(none, Errc::not_found, words);
    assert_fails(chain({})->token("app", kLimits), Errc::not_found, "switched off");
    assert_fails(tokens->token("", kLimits), Errc::bad_input);
  }

  void a_broken_source_is_passed_by() {
    const auto tokens = chain();
    first_->fail_with(Error{Errc::corrupt, "use", "a file", "it is cut short"});
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
  }

  void a_store_that_is_down_is_passed_by() {
    store_ = &failing_;
    const auto tokens = chain();
    first_->fail_with(kNone);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
  }

  void a_store_that_others_may_read_is_not_passed_by() {
    store_ = &failing_;
    failing_.error.code = Errc::denied;
    assert_fails(chain()->token("app", kLimits), Errc::denied);
  }

  void a_rejected_token_is_not_given_again() {
    const auto tokens = chain();
    first_->give("fo1_stale");
    const auto stale = value_of(tokens->token("app", kLimits));
    tokens->rejected("app", *stale);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_stale"), get(*tokens, "another app"));
  }

  void a_rejected_token_leaves_the_store() {
    store_token(TokenSlot::acquired, "fo1_stale");
    store_token(TokenSlot::manual, "fo1_by-hand");
    const auto tokens = chain({"store", "mint", "manual"});
    tokens->rejected("app", *value_of(tokens->token("app", kLimits)));
    mint_->fail_with(kNone);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_by-hand"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("nothing"), stored());
    tokens->rejected("app", *value_of(tokens->token("app", kLimits)));
    assert_fails(tokens->token("app", kLimits), Errc::denied, "manual: the API rejected");
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_by-hand"), stored(TokenSlot::manual));
  }

  void if_all_were_rejected_that_is_said_and_the_next_caller_may_try() {
    const auto tokens = chain({"first"});
    first_->give("fo1_good-after-all");
    tokens->rejected("app", *value_of(tokens->token("app", kLimits)));
    assert_fails(tokens->token("app", kLimits), Errc::denied, "401");
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_good-after-all"), get(*tokens));
  }

  void rejecting_an_old_token_leaves_the_new_one() {
    const auto tokens = chain();
    const auto old = value_of(tokens->token("app", kLimits));
    const std::string fresh = value_of(tokens->refresh("app", kLimits))->text.reveal();
    tokens->rejected("app", *old);
    CPPUNIT_ASSERT_EQUAL(fresh, get(*tokens));
    CPPUNIT_ASSERT_EQUAL(2, first_->calls());
  }

  /// What `work` writes to standard error.
  static std::string logged_by(const std::function<void()>& work) {
    const Fd before(::dup(STDERR_FILENO)), log(::memfd_create("log", MFD_CLOEXEC));
    set_log_level(LogLevel::warning);
    ::dup2(log.get(), STDERR_FILENO);
    work();
    ::dup2(before.get(), STDERR_FILENO);
    set_log_level(LogLevel::error);
    ::lseek(log.get(), 0, SEEK_SET);
    return value_of(read_all(log.get(), 1 << 16, "the log"));
  }

  void a_rejected_token_that_another_replaces_is_a_warning() {
    const auto tokens = chain();
    first_->give("fo1_by-hand");
    const auto refuse = [&] { tokens->rejected("app", *value_of(tokens->token("app", kLimits))); };
    refuse();
    const std::string log = logged_by([&] { CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens)); });
    CPPUNIT_ASSERT_MESSAGE(log, log.find("warning tokens.replaced app=app rejected=first used=mint") != log.npos);
    CPPUNIT_ASSERT_EQUAL(std::string(), logged_by([&] {
                           get(*tokens);
                           refuse();
                           CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), get(*tokens));  // of the same source
                         }));
  }

  void a_401_is_tried_once_more_with_another_token() {
    const auto tokens = chain();
    std::string seen;
    int status = 401;
    const auto call = [&](const ApiToken& token) -> Result<int> {
      seen += token.authorization.reveal() + "; ";
      return Error{Errc::denied, "call", "the API", "no", {}, 0, status};
    };
    assert_fails(with_token(*tokens, "app", kLimits, call), Errc::denied);
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer fo1_first-1; Bearer fo1_first-2; "), seen);
    status = 403;
    assert_fails(with_token(*tokens, "app", kLimits, call), Errc::denied);
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer fo1_first-1; Bearer fo1_first-2; Bearer fo1_first-2; "), seen);
  }

  void callers_for_one_app_share_one_search() {
    const auto tokens = chain();
    first_->hold(true);
    std::vector<std::string> got(8);
    {
      std::vector<std::jthread> callers;
      callers.reserve(8);
      for (auto& text : got) callers.emplace_back([&] { text = tokens->token("app", kLimits).value()->text.reveal(); });
      first_->await_calls(1);
      first_->hold(false);
    }
    for (const auto& text : got) CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-1"), text);
    CPPUNIT_ASSERT_EQUAL(1, first_->calls());
  }

  void callers_for_one_app_share_its_failure() {
    const auto tokens = chain({"first"});
    first_->fail_with(kNone);
    first_->hold(true);
    std::atomic<int> failures{0};
    {
      std::vector<std::jthread> callers;
      callers.reserve(8);
      for (int i = 0; i < 4; ++i)
        callers.emplace_back([&] {
          if (tokens->token("app", kLimits).error().code == Errc::not_found) ++failures;
        });
      first_->await_calls(1);
      first_->hold(false);
    }
    CPPUNIT_ASSERT_EQUAL(4, failures.load());
    CPPUNIT_ASSERT(first_->calls() <= 4);
  }

  void apps_do_not_wait_for_each_other() {
    const auto tokens = chain();
    mint_->hold(true);
    first_->fail_with(kNone);
    const std::jthread slow([&] { static_cast<void>(tokens->token("slow", kLimits).ok()); });
    mint_->await_calls(1);
    first_->fail_with(std::nullopt);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-2"), get(*tokens, "fast"));
    mint_->hold(false);
  }

  void an_impatient_caller_leaves_the_search_to_others() {
    const auto tokens = chain({"first"});
    first_->hold(true);
    std::stop_source stop;
    std::jthread impatient([&] { assert_fails(tokens->token("app", {60s, stop.get_token()}), Errc::cancelled); });
    first_->await_calls(1);
    std::string got;
    std::jthread patient([&] { got = tokens->token("app", kLimits).value()->text.reveal(); });
    stop.request_stop();
    impatient.join();
    first_->await_calls(2);
    first_->hold(false);
    patient.join();
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_first-2"), got);
  }

  void a_waiting_caller_keeps_its_own_limits() {
    const auto tokens = chain({"first"});
    first_->hold(true);
    const std::jthread slow([&] { static_cast<void>(tokens->token("app", kLimits).ok()); });
    first_->await_calls(1);
    assert_fails(tokens->token("app", {50ms}), Errc::timeout, "50ms");
    std::stop_source stop;
    stop.request_stop();
    assert_fails(tokens->token("app", {60s, stop.get_token()}), Errc::cancelled);
    first_->hold(false);
  }

  void a_refresh_gives_a_newer_token() {
    const auto tokens = chain({"store", "mint"});
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), value_of(tokens->refresh("app", kLimits))->text.reveal());
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), stored());
  }

  void nobody_gets_the_old_token_once_a_refresh_began() {
    const auto tokens = chain({"store", "mint"});
    get(*tokens);
    mint_->hold(true);
    const std::jthread refresh([&] { static_cast<void>(tokens->refresh("app", kLimits).ok()); });
    mint_->await_calls(2);
    CPPUNIT_ASSERT_EQUAL(std::string("nothing"), stored());
    std::string got;
    std::jthread reader([&] { got = tokens->token("app", kLimits).value()->text.reveal(); });
    mint_->hold(false);
    reader.join();
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), got);
  }

  void what_was_being_searched_when_a_refresh_began_is_void() {
    const auto tokens = chain({"store", "mint"});
    mint_->hold(true);
    std::string early;
    std::string fresh;
    {
      const std::jthread reader([&] { early = tokens->token("app", kLimits).value()->text.reveal(); });
      mint_->await_calls(1);
      assert_ok(tokens->invalidate("app", kLimits));
      const std::jthread refresh([&] { fresh = tokens->refresh("app", kLimits).value()->text.reveal(); });
      mint_->hold(false);
    }
    CPPUNIT_ASSERT(early != "fo1_mint-1");
    CPPUNIT_ASSERT(fresh != "fo1_mint-1");
    CPPUNIT_ASSERT_EQUAL(get(*tokens), stored());
    CPPUNIT_ASSERT_EQUAL(get(*tokens), get(*chain({"store"})));
  }

  void invalidating_keeps_the_manual_token() {
    store_token(TokenSlot::manual, "fo1_by-hand");
    const auto tokens = chain({"store", "mint", "manual"});
    get(*tokens);
    assert_ok(tokens->invalidate("app", kLimits));
    CPPUNIT_ASSERT_EQUAL(std::string("nothing"), stored());
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_by-hand"), stored(TokenSlot::manual));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), get(*tokens));
  }

  void a_renewal_goes_unnoticed() {
    const auto tokens = chain({"store", "mint"});
    get(*tokens);
    mint_->hold(true);
    std::jthread renewal([&] { assert_ok(tokens->renew("app", kLimits)); });
    mint_->await_calls(2);
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
    mint_->hold(false);
    renewal.join();
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), stored());
  }

  void a_failed_renewal_keeps_the_old_token() {
    const auto tokens = chain({"store", "mint"});
    get(*tokens);
    mint_->fail_with(Error{Errc::unavailable, "run", "fly", "no network"});
    assert_fails(tokens->renew("app", kLimits), Errc::not_found, "no network");
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), get(*tokens));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-1"), stored());
  }

  void a_renewal_takes_nothing_that_is_not_new() {
    const auto tokens = chain({"first", "mint"});
    first_->fail_with(kNone);
    get(*tokens);
    first_->fail_with(std::nullopt);
    assert_ok(tokens->renew("app", kLimits));
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_mint-2"), get(*tokens));
  }

  /// The promise of refresh(), under load: whatever is asked for after it began was minted after it began.
  void many_threads_never_see_an_old_token_after_a_refresh() {
    const auto tokens = chain({"store", "mint"});
    std::atomic<int> newest{0};  // the number of the latest token that a refresh has returned
    std::atomic<bool> stale{false};
    std::atomic<bool> done{false};
    const auto number_of = [](const ApiToken& token) { return std::stoi(token.text.reveal().substr(9)); };
    {
      std::vector<std::jthread> readers;
      readers.reserve(3);
      for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
          while (!done) {
            const int known = newest;
            if (number_of(*tokens->token("app", kLimits).value()) < known) stale = true;
          }
        });
      for (int i = 0; i < 300; ++i) {
        const int known = newest;
        const int fresh = number_of(*tokens->refresh("app", kLimits).value());
        if (fresh <= known) stale = true;
        newest = fresh;
      }
      done = true;
    }
    CPPUNIT_ASSERT(!stale);
  }

  MemoryTokenStore memory_;
  FailingStore failing_;
  TokenStore* store_ = &memory_;
  ScriptedOrigin* first_ = nullptr;  // owned by the last chain
  ScriptedOrigin* mint_ = nullptr;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(TokenChainTest, "token_chain");

}  // namespace midair::host::tokens
