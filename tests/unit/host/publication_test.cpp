#include "midair/host/publish/publication.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/json/json.h"

namespace midair::host {

class PublicationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PublicationTest);
  CPPUNIT_TEST(the_first_publication_makes_pointer_and_history);
  CPPUNIT_TEST(the_sequence_only_grows);
  CPPUNIT_TEST(the_sequence_ends_with_an_error);
  CPPUNIT_TEST(unknown_fields_of_the_pointer_survive);
  CPPUNIT_TEST(the_name_of_the_server_stays_what_it_was);
  CPPUNIT_TEST(a_pointer_changed_meanwhile_is_not_overwritten);
  CPPUNIT_TEST(a_pointer_with_a_higher_fence_is_not_overwritten);
  CPPUNIT_TEST(the_last_good_release_is_the_last_that_proved_good);
  CPPUNIT_TEST(a_refusal_is_written_into_the_pointer_that_names_it);
  CPPUNIT_TEST(a_refusal_needs_the_lock_and_the_pointer);
  CPPUNIT_TEST(a_lost_lock_cannot_publish);
  CPPUNIT_TEST(a_lost_answer_is_looked_up);
  CPPUNIT_TEST(a_refusal_although_nothing_changed_is_tried_again);
  CPPUNIT_TEST(an_unknown_outcome_is_said_to_be_unknown);
  CPPUNIT_TEST(a_sequence_that_is_taken_at_this_moment_is_refused);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore store_;
  ManualClock clock_;

  std::unique_ptr<DeployLock> lock(const std::string& who = "a", Force force = Force::no) {
    return value_of(DeployLock::acquire({store_, clock_, moving(clock_)},
                                        {kLayout, who, "deployment-" + who, std::chrono::minutes(5), force}, {}));
  }
  PublishedState state() { return value_of(read_published_state(store_, kLayout, {})); }
  Result<HotUpgrade> publish_named(ObjectStore& store, DeployLock& lock, const PublishedState& state,
                                   const std::string& id, const std::string& version = "v2") {
    return publish(store, clock_, lock, kLayout, state, Predecessor::unproven, upgrade_named(id, version));
  }
  Pointer pointer() { return value_of(read_pointer(store_, kLayout, {}))->pointer; }

  void the_first_publication_makes_pointer_and_history() {
    const auto held = lock();
    const auto upgrade = value_of(publish_named(store_, *held, state(), "01A"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, upgrade.sequence);
    CPPUNIT_ASSERT_EQUAL(held->fence(), upgrade.fence);
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall()), upgrade.deployed_at);
    CPPUNIT_ASSERT_EQUAL(kBase, pointer().image_ref());
    CPPUNIT_ASSERT_EQUAL(upgrade.hot_ref, pointer().hot_upgrade()->hot_ref);
    CPPUNIT_ASSERT_EQUAL(text_at(store_, kLayout.pointer()), text_at(store_, kLayout.history(1)));
  }

  void the_sequence_only_grows() {
    const auto held = lock();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, value_of(publish_named(store_, *held, state(), "01A")).sequence);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, value_of(publish_named(store_, *held, state(), "01B")).sequence);
    // An agent died between history and pointer.
    store_text(store_, kLayout.history(3), pointer_to(upgrade_named("01C", "v3", 3)).to_json());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, value_of(publish_named(store_, *held, state(), "01D")).sequence);
    // The history was removed by hand.
    for (int i = 1; i <= 4; ++i) assert_ok(store_.remove(kLayout.history(i), {}));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, value_of(publish_named(store_, *held, state(), "01E")).sequence);
  }

  void the_sequence_ends_with_an_error() {
    const auto held = lock();
    store_text(store_, kLayout.pointer(), pointer_to(upgrade_named("01A", "v1", kMaxJsonInteger - 1)).to_json());
    CPPUNIT_ASSERT_EQUAL(kMaxJsonInteger, value_of(publish_named(store_, *held, state(), "01B")).sequence);
    const auto before = text_at(store_, kLayout.pointer());
    assert_fails(publish_named(store_, *held, state(), "01C"), Errc::refused,
                 "no sequence comes after 9007199254740991");
    CPPUNIT_ASSERT_EQUAL(before, text_at(store_, kLayout.pointer()));
    assert_ok(store_.remove(kLayout.pointer(), {}));
    store_text(store_, kLayout.history(UINT64_MAX), "{}");
    assert_fails(publish_named(store_, *held, state(), "01C"), Errc::refused, "no sequence comes after");
  }

  void unknown_fields_of_the_pointer_survive() {
    store_text(store_, kLayout.pointer(),
               R"({"image_ref":"old","set_at":"x","hot_upgrade":null,"blue_green_upgrade":{"a":1},"note":"keep me"})");
    const auto held = lock();
    CPPUNIT_ASSERT(publish_named(store_, *held, state(), "01A").ok());
    const auto text = text_at(store_, kLayout.pointer());
    CPPUNIT_ASSERT(text.find(R"("note":"keep me")") != std::string::npos);
    CPPUNIT_ASSERT(text.find(R"("blue_green_upgrade":{"a":1})") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(kBase, pointer().image_ref());
  }

  void the_name_of_the_server_stays_what_it_was() {
    const auto held = lock();
    auto upgrade = upgrade_named("01A", "v1");
    for (const char* name : {"fly.storage.tigris.dev", "t3.storage.dev"}) {
      upgrade.tarball_url = "https://b." + std::string(name) + "/v1";
      store_text(store_, kLayout.pointer(), pointer_to(upgrade).to_json());
      upgrade.tarball_url = "https://t3.storage.dev/b/v2";
      CPPUNIT_ASSERT(publish(store_, clock_, *held, kLayout, state(), Predecessor::unproven, upgrade).ok());
      CPPUNIT_ASSERT_EQUAL("https://" + std::string(name) + "/b/v2", pointer().hot_upgrade()->tarball_url);
    }
  }

  void a_pointer_changed_meanwhile_is_not_overwritten() {
    const auto held = lock();
    const auto before = state();
    store_text(store_, kLayout.pointer(), pointer_to(upgrade_named("01OTHER", "v9", 41)).to_json());
    const auto published = publish_named(store_, *held, before, "01A");
    assert_fails(published, Errc::precondition, "somebody else published sequence 41 (version v9)");
    CPPUNIT_ASSERT_EQUAL(std::string("v9"), pointer().hot_upgrade()->version);
    CPPUNIT_ASSERT(!exists(store_, kLayout.history(1)));

    const auto with_pointer = state();
    assert_ok(store_.remove(kLayout.pointer(), {}));
    assert_fails(publish_named(store_, *held, with_pointer, "01B"), Errc::precondition, "somebody removed it");
  }

  void a_pointer_with_a_higher_fence_is_not_overwritten() {
    auto theirs = upgrade_named("01OTHER", "v9", 41);
    theirs.fence = 7;
    store_text(store_, kLayout.pointer(), pointer_to(theirs).to_json());
    const auto held = lock();
    assert_fails(publish_named(store_, *held, state(), "01A"), Errc::precondition, "sequence 41");
    assert_ok(held->raise_fence(8));
    CPPUNIT_ASSERT(publish_named(store_, *held, state(), "01A").ok());
  }

  void the_last_good_release_is_the_last_that_proved_good() {
    const auto held = lock();
    const auto publish_after = [&](Predecessor predecessor, const std::string& id, const std::string& version) {
      CPPUNIT_ASSERT(publish(store_, clock_, *held, kLayout, state(), predecessor, upgrade_named(id, version)).ok());
      return pointer().last_good() ? pointer().last_good()->version : "none";
    };
    CPPUNIT_ASSERT_EQUAL(std::string("none"), publish_after(Predecessor::good, "01A", "v1"));
    CPPUNIT_ASSERT_EQUAL(std::string("none"), publish_after(Predecessor::unproven, "01B", "v2"));
    CPPUNIT_ASSERT_EQUAL(std::string("v2"), publish_after(Predecessor::good, "01C", "v3"));
    CPPUNIT_ASSERT_EQUAL(std::string("v2"), publish_after(Predecessor::unproven, "01D", "v4"));
    CPPUNIT_ASSERT_EQUAL(text_at(store_, kLayout.pointer()), text_at(store_, kLayout.history(4)));
  }

  void a_refusal_is_written_into_the_pointer_that_names_it() {
    const auto held = lock();
    const auto upgrade = value_of(publish_named(store_, *held, state(), "01A"));
    const auto refused = value_of(refuse(store_, *held, kLayout, upgrade));
    CPPUNIT_ASSERT(refused && refused->refused());
    CPPUNIT_ASSERT(pointer().refused());
    CPPUNIT_ASSERT_EQUAL(upgrade.hot_ref, pointer().hot_upgrade()->hot_ref);
    CPPUNIT_ASSERT(publish_named(store_, *held, state(), "01B").ok());
    CPPUNIT_ASSERT(!pointer().refused());
  }

  void a_refusal_needs_the_lock_and_the_pointer() {
    const auto held = lock();
    const auto upgrade = value_of(publish_named(store_, *held, state(), "01A"));
    const auto taker = lock("b", Force::yes);
    assert_fails(refuse(store_, *held, kLayout, upgrade), Errc::precondition, "lost to b");
    CPPUNIT_ASSERT(!pointer().refused());

    CPPUNIT_ASSERT(publish_named(store_, *taker, state(), "01B").ok());
    CPPUNIT_ASSERT(!value_of(refuse(store_, *taker, kLayout, upgrade)));
    assert_ok(store_.remove(kLayout.pointer(), {}));
    CPPUNIT_ASSERT(!value_of(refuse(store_, *taker, kLayout, upgrade)));
  }

  void a_lost_lock_cannot_publish() {
    const auto sleeper = lock("a");
    const auto before = state();
    const auto taker = lock("b", Force::yes);
    assert_fails(publish_named(store_, *sleeper, before, "01A"), Errc::precondition, "lost to b");
    CPPUNIT_ASSERT(!exists(store_, kLayout.pointer()));
    CPPUNIT_ASSERT(!exists(store_, kLayout.history(1)));
    CPPUNIT_ASSERT(publish_named(store_, *taker, state(), "01B").ok());
  }

  void a_lost_answer_is_looked_up() {
    const auto held = lock();
    for (const auto& key : {kLayout.pointer(), kLayout.history(1), kLayout.history(2)}) {
      LostAnswerStore deaf(store_, key);
      CPPUNIT_ASSERT(publish_named(deaf, *held, state(), "01A").ok());
    }
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, pointer().hot_upgrade()->sequence);
  }

  void a_refusal_although_nothing_changed_is_tried_again() {
    int refusals = 2;
    ScriptedStore moody(store_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (verb == "put" && key == kLayout.pointer() && refusals-- > 0) return store_error(Errc::precondition);
      return {};
    });
    const auto held = lock();
    CPPUNIT_ASSERT(publish_named(moody, *held, state(), "01A").ok());

    refusals = 100;
    assert_fails(publish_named(moody, *held, state(), "01B"), Errc::unavailable, "no conditional write");
    CPPUNIT_ASSERT_EQUAL(std::string("midair/web:deployment-01A"), pointer().hot_upgrade()->hot_ref);
  }

  void an_unknown_outcome_is_said_to_be_unknown() {
    bool asked = false;
    ScriptedStore dying(store_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (key != kLayout.pointer()) return {};
      if (verb == "put") asked = true;
      if (asked) return store_error();
      return {};
    });
    const auto held = lock();
    assert_fails(publish_named(dying, *held, state(), "01A"), Errc::unavailable, "unknown");
    CPPUNIT_ASSERT_MESSAGE("what may be published stays in the history", exists(store_, kLayout.history(1)));
  }

  void a_sequence_that_is_taken_at_this_moment_is_refused() {
    const auto held = lock();
    const auto before = state();
    store_text(store_, kLayout.history(1), pointer_to(upgrade_named("01OTHER")).to_json());
    assert_fails(publish_named(store_, *held, before, "01A"), Errc::precondition, "somebody else publishes");
    CPPUNIT_ASSERT(exists(store_, kLayout.history(1)));
    CPPUNIT_ASSERT(!exists(store_, kLayout.pointer()));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PublicationTest, "publication");

}  // namespace midair::host
