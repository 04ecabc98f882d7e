#include "earlier_release.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"

namespace midair::host::hot {

class EarlierReleaseTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EarlierReleaseTest);
  CPPUNIT_TEST(without_a_version_it_is_the_last_good_one);
  CPPUNIT_TEST(where_none_is_known_it_is_the_newest_of_other_bytes);
  CPPUNIT_TEST(a_version_is_what_was_published_last_under_it);
  CPPUNIT_TEST(without_a_digest_nothing_can_be_gone_back_to);
  CPPUNIT_TEST(what_there_is_is_listed);
  CPPUNIT_TEST(the_tarball_has_to_be_there_as_it_was);
  CPPUNIT_TEST_SUITE_END();

  PublishedState state_;

  static Pointer pointer_to(const std::string& version, std::uint64_t sequence, char digit) {
    HotUpgrade upgrade;
    upgrade.name() = {version, std::string(digit == 0 ? 0 : 64, digit), "web:deployment-0" + version, kBase, sequence};
    upgrade.tarball_url = "memory:" + version;
    upgrade.size = 3;
    Pointer pointer = Pointer::for_base_image(kBase, "now");
    pointer.set_hot_upgrade(upgrade, "now");
    return pointer;
  }
  /// The history's newest is what the pointer names.
  void publish(const std::string& version, std::uint64_t sequence, char digit) {
    state_.history.recent.insert(state_.history.recent.begin(), pointer_to(version, sequence, digit));
    state_.current = CurrentPointer{state_.history.recent.front(), Etag()};
  }
  [[nodiscard]] std::uint64_t chosen(const std::string& version = "") const {
    return value_of(choose_earlier_release(state_, version)).sequence;
  }

  void without_a_version_it_is_the_last_good_one() {
    publish("v1", 1, '1');
    publish("bad", 2, '2');
    publish("v3", 3, '3');
    Pointer good = pointer_to("v1", 1, '1');
    good.keep_as_last_good();
    good.set_hot_upgrade(*state_.current->pointer.hot_upgrade(), "now");
    state_.current->pointer = good;
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, chosen());
  }

  void where_none_is_known_it_is_the_newest_of_other_bytes() {
    publish("v1", 1, '1');
    publish("v2", 2, '2');
    publish("v2", 3, '2');
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, chosen());
    state_.current.reset();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, chosen());
  }

  void a_version_is_what_was_published_last_under_it() {
    publish("v1", 1, '1');
    publish("v1", 2, '1');
    publish("v2", 3, '2');
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, chosen("v1"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, chosen("v2"));
  }

  void without_a_digest_nothing_can_be_gone_back_to() {
    publish("theirs", 1, 0);
    publish("v2", 2, '2');
    assert_fails(choose_earlier_release(state_, "theirs"), Errc::not_found, "no recent publication");
    assert_fails(choose_earlier_release(state_, ""), Errc::not_found, "v2 is all");
  }

  void what_there_is_is_listed() {
    assert_fails(choose_earlier_release(state_, ""), Errc::not_found, "nothing was published yet");
    publish("v1", 1, '1');
    publish("v2", 2, '2');
    publish("v1", 3, '1');
    const auto none = choose_earlier_release(state_, "v9");
    CPPUNIT_ASSERT_EQUAL(std::string("choose one of v1, v2"), none.error().hint);
  }

  void the_tarball_has_to_be_there_as_it_was() {
    MemoryObjectStore store;
    publish("v1", 1, '1');
    const auto release = value_of(choose_earlier_release(state_, "v1"));
    assert_fails(check_tarball_is_there(store, "key", release, {}), Errc::not_found, "is gone from the store");
    value_of(put_text(store, "key", "four", PutCondition::none(), {}));
    assert_fails(check_tarball_is_there(store, "key", release, {}), Errc::corrupt, "4 bytes");
    value_of(put_text(store, "key", "abc", PutCondition::none(), {}));
    assert_ok(check_tarball_is_there(store, "key", release, {}));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(EarlierReleaseTest, "earlier_release");

}  // namespace midair::host::hot
