#include "midair/host/fleet/follower.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/host/fleet/store_machine_directory.h"

namespace midair::host {

class FollowerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FollowerTest);
  CPPUNIT_TEST(each_change_is_news_once);
  CPPUNIT_TEST(a_round_without_news_costs_one_list);
  CPPUNIT_TEST(old_processes_that_drain_are_told);
  CPPUNIT_TEST(silence_is_not_success);
  CPPUNIT_TEST(a_machine_that_tries_again_is_awaited_and_called_so);
  CPPUNIT_TEST(a_result_that_cannot_be_read_is_no_silence);
  CPPUNIT_TEST(a_newcomer_with_the_same_base_image_is_followed);
  CPPUNIT_TEST(a_machine_that_runs_the_upgrade_without_a_word_is_upgraded);
  CPPUNIT_TEST(a_machine_that_stops_or_leaves_is_not_waited_for);
  CPPUNIT_TEST(nonsense_and_lies_are_not_answers);
  CPPUNIT_TEST(trouble_loses_no_news);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore memory_;
  CountingStore store_{memory_};
  StoreMachineDirectory directory_;
  ManualClock clock_;
  const HotUpgrade upgrade_ = upgrade_named("01UPGRADE");

  Follower follow(ObjectStore& store, const std::vector<std::string>& ids) {
    FollowTarget target{kLayout, upgrade_.hot_ref, kBase, {}};
    for (const auto& id : ids) {
      target.covered.push_back(member(id));
      check_in(memory_, machine(id));
    }
    return Follower(store, directory_, clock_, target);
  }
  void tell(const UpgradeResult& result) { report(memory_, "01UPGRADE", result); }
  /// A round in which the fleet is looked at, too.
  void poll_all(Follower& follower) {
    clock_.advance(std::chrono::seconds(2));
    assert_ok(follower.poll({}));
  }

  void each_change_is_news_once() {
    auto follower = follow(store_, {"a", "b", "c"});
    assert_ok(follower.poll({}));
    CPPUNIT_ASSERT(follower.take_news().empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, follower.awaited());

    tell(result_of("a", UpgradeStatus::pending));
    assert_ok(follower.poll({}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, follower.take_news().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, follower.awaited());

    tell(result_of("a", UpgradeStatus::completed));
    tell(result_of("b", UpgradeStatus::failed, "no space"));
    tell(result_of("c", UpgradeStatus::rolled_back, "it crashed"));
    assert_ok(follower.poll({}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, follower.take_news().size());
    CPPUNIT_ASSERT(follower.take_news().empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, follower.awaited());
    const auto outcomes = follower.outcomes();
    CPPUNIT_ASSERT(outcomes[0].outcome == Outcome::upgraded && outcomes[0].why.empty());
    CPPUNIT_ASSERT(outcomes[1].outcome == Outcome::failed && outcomes[1].why == "no space");
    CPPUNIT_ASSERT(outcomes[2].outcome == Outcome::rolled_back && outcomes[2].why == "it crashed");
  }

  void a_round_without_news_costs_one_list() {
    auto follower = follow(store_, {"a", "b", "c"});
    for (const char* id : {"a", "b", "c"}) tell(result_of(id, UpgradeStatus::pending));
    assert_ok(follower.poll({}));
    store_.take("list");
    CPPUNIT_ASSERT_EQUAL(3, store_.take("get"));
    for (int round = 0; round < 5; ++round) assert_ok(follower.poll({}));
    CPPUNIT_ASSERT_EQUAL(0, store_.take("get"));
    CPPUNIT_ASSERT_EQUAL(0, store_.take("head"));
    CPPUNIT_ASSERT_EQUAL(5, store_.take("list"));

    tell(result_of("b", UpgradeStatus::completed));
    assert_ok(follower.poll({}));
    CPPUNIT_ASSERT_EQUAL(2, store_.take("get"));  // the result, and the machine's record
  }

  void old_processes_that_drain_are_told() {
    auto follower = follow(store_, {"a", "b", "c"});
    auto draining = machine_on("a", upgrade_);
    draining.draining = {{"v1", "", "", 1, 2, 0}, {"", "", "", 0, 0, 3}};
    check_in(memory_, draining);
    auto of_another_upgrade = machine("b");
    of_another_upgrade.draining = draining.draining;
    check_in(memory_, of_another_upgrade);
    for (const char* id : {"a", "b", "c"}) tell(result_of(id, UpgradeStatus::completed));
    assert_ok(memory_.remove(kLayout.machine("c"), {}));
    assert_ok(follower.poll({}));
    const auto news = follower.take_news();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, news.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, news[0].draining.size());
    CPPUNIT_ASSERT(news[1].draining.empty() && news[2].draining.empty());
    const auto outcomes = follower.outcomes();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, outcomes[0].draining[1].streaming);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, follower.awaited());
  }

  void silence_is_not_success() {
    auto follower = follow(store_, {"a", "b", "c"});
    auto pending = result_of("b", UpgradeStatus::pending);
    pending.step = "probation";
    tell(pending);
    auto put_off = result_of("c", UpgradeStatus::pending, "no space");
    put_off.step = "staging";
    tell(put_off);
    poll_all(follower);
    const auto outcomes = follower.outcomes();
    for (const auto& outcome : outcomes) CPPUNIT_ASSERT(outcome.outcome == Outcome::no_answer);
    CPPUNIT_ASSERT_EQUAL(std::string("it said nothing"), outcomes[0].why);
    CPPUNIT_ASSERT_EQUAL(std::string("it is still at 'probation'"), outcomes[1].why);
    CPPUNIT_ASSERT_EQUAL(std::string("it is still at 'staging': no space"), outcomes[2].why);
  }

  void a_machine_that_tries_again_is_awaited_and_called_so() {
    auto follower = follow(store_, {"a"});
    auto again = result_of("a", UpgradeStatus::pending, "it exited with status 3");
    again.step = "staged";
    again.retry_at = "2026-11-20T21:10:00.000000Z";
    tell(again);
    poll_all(follower);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, follower.awaited());
    const auto outcome = follower.outcomes()[0];
    CPPUNIT_ASSERT(outcome.outcome == Outcome::retrying);
    CPPUNIT_ASSERT_EQUAL("it exited with status 3; it tries again by itself at " + again.retry_at, outcome.why);

    tell(result_of("a", UpgradeStatus::completed));
    poll_all(follower);
    CPPUNIT_ASSERT(follower.outcomes()[0].outcome == Outcome::upgraded);
  }

  void a_result_that_cannot_be_read_is_no_silence() {
    auto follower = follow(store_, {"a", "b"});
    const auto key = [&](const std::string& id) { return kLayout.result(upgrade_id_of(upgrade_.hot_ref), id); };
    store_text(memory_, key("a"), "{");
    store_text(memory_, key("b"), std::string(kMaxMachineStateBytes + 1, ' '));
    store_text(memory_, key("stranger"), "{");
    poll_all(follower);
    const auto outcomes = follower.outcomes();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, outcomes.size());
    for (const auto& outcome : outcomes)
      CPPUNIT_ASSERT_MESSAGE(outcome.why, outcome.why.starts_with("its result cannot be read: "));
    tell(result_of("a", UpgradeStatus::failed, "no space"));
    poll_all(follower);
    CPPUNIT_ASSERT_EQUAL(std::string("no space"), follower.outcomes()[0].why);
  }

  void a_newcomer_with_the_same_base_image_is_followed() {
    auto follower = follow(store_, {"a"});
    check_in(memory_, machine("new"));
    check_in(memory_, machine("alien", "another image"));
    check_in(memory_, machine("asleep", kBase, MachineState::stopped));
    poll_all(follower);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, follower.followed());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, follower.awaited());
  }

  void a_machine_that_runs_the_upgrade_without_a_word_is_upgraded() {
    auto follower = follow(store_, {"a", "b", "c"});
    check_in(memory_, machine_on("a", upgrade_));
    auto swapping = machine_on("b", upgrade_);
    swapping.state = MachineState::swapping;
    check_in(memory_, swapping);
    tell(result_of("c", UpgradeStatus::pending));
    check_in(memory_, machine_on("c", upgrade_));
    poll_all(follower);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, follower.awaited());
    CPPUNIT_ASSERT(follower.outcomes()[0].outcome == Outcome::upgraded);
    const auto news = follower.take_news();
    CPPUNIT_ASSERT_EQUAL(std::string("a"), news.back().result.machine_id);
    CPPUNIT_ASSERT(news.back().result.status == UpgradeStatus::completed);
  }

  void a_machine_that_stops_or_leaves_is_not_waited_for() {
    auto follower = follow(store_, {"a", "b"});
    check_in(memory_, machine("a", kBase, MachineState::stopped));
    check_in(memory_, machine("b", "a newer image"));
    poll_all(follower);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, follower.awaited());
    const auto outcomes = follower.outcomes();
    CPPUNIT_ASSERT(outcomes[0].outcome == Outcome::no_answer && outcomes[0].why == "it stopped");
    CPPUNIT_ASSERT(outcomes[1].outcome == Outcome::no_answer &&
                   outcomes[1].why == "it runs another base image now, a newer image");
  }

  void nonsense_and_lies_are_not_answers() {
    auto follower = follow(store_, {"a", "b"});
    store_text(memory_, kLayout.result("01UPGRADE", "a"), "<html>");
    store_text(memory_, kLayout.result("01UPGRADE", "b"), result_of("a", UpgradeStatus::completed).to_json());
    poll_all(follower);
    CPPUNIT_ASSERT(follower.take_news().empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, follower.awaited());
  }

  void trouble_loses_no_news() {
    std::string failing;
    ScriptedStore moody(memory_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (verb == "list" && key == failing) return store_error();
      return {};
    });
    auto follower = follow(moody, {"a"});
    tell(result_of("a", UpgradeStatus::completed));
    failing = kLayout.machines_prefix();
    clock_.advance(std::chrono::seconds(2));
    assert_fails(follower.poll({}), Errc::unavailable);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, follower.take_news().size());
    failing = kLayout.results_prefix("01UPGRADE");
    assert_fails(follower.poll({}), Errc::unavailable);
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, follower.awaited());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FollowerTest, "follower");

}  // namespace midair::host
