#include "midair/host/fleet/fleet_status.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/host/fleet/store_machine_directory.h"

namespace midair::host {

class FleetStatusTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FleetStatusTest);
  CPPUNIT_TEST(a_machine_that_runs_the_upgrade_is_up_to_date);
  CPPUNIT_TEST(a_machine_at_work_is_pending);
  CPPUNIT_TEST(a_machine_that_tries_again_is_pending_until_it_did_not);
  CPPUNIT_TEST(a_machine_that_failed_says_why);
  CPPUNIT_TEST(a_silent_machine_is_pending_first_and_stale_later);
  CPPUNIT_TEST(a_machine_that_just_booted_or_just_began_is_not_stale);
  CPPUNIT_TEST(a_machine_that_is_not_covered_is_on_its_base_image_or_on_another);
  CPPUNIT_TEST(a_machine_that_lacks_a_feature_is_not_covered);
  CPPUNIT_TEST(stopped_and_unreadable_machines_are_called_so);
  CPPUNIT_TEST(a_fleet_is_as_far_as_its_last_machine);
  CPPUNIT_TEST(a_record_proves_a_release_only_once_it_is_settled);
  CPPUNIT_TEST(a_snapshot_without_changes_costs_a_conditional_get_and_two_lists);
  CPPUNIT_TEST(a_new_pointer_brings_new_results);
  CPPUNIT_TEST(a_pointer_that_goes_is_gone);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore memory_;
  ManualClock clock_;
  const HotUpgrade upgrade_ = published_now();

  HotUpgrade published_now() {
    auto upgrade = upgrade_named("01NOW", "v2", 5);
    upgrade.deployed_at = format_rfc3339(clock_.wall());
    return upgrade;
  }
  MachineStatus judged(const MachineRecord& machine, const std::optional<UpgradeResult>& result = {}) {
    return judge(as_recorded(machine), pointer_to(upgrade_), result, clock_.wall());
  }
  static void check(Verdict expected, const MachineStatus& status, const std::string& why = {}) {
    CPPUNIT_ASSERT_EQUAL(std::string(to_string(expected)), std::string(to_string(status.verdict)));
    CPPUNIT_ASSERT_EQUAL(why, status.why);
  }

  void a_machine_that_runs_the_upgrade_is_up_to_date() {
    check(Verdict::up_to_date, judged(machine_on("a", upgrade_)));
    check(Verdict::up_to_date, judged(machine_on("a", upgrade_), result_of("a", UpgradeStatus::completed)));
  }

  void a_machine_at_work_is_pending() {
    auto pending = result_of("a", UpgradeStatus::pending);
    pending.step = "probation";
    check(Verdict::pending, judged(machine("a"), pending), "probation");
    check(Verdict::pending, judged(machine_on("a", upgrade_), pending), "probation");
    auto swapping = machine_on("a", upgrade_);
    swapping.state = MachineState::swapping;
    check(Verdict::pending, judged(swapping));
  }

  void a_machine_that_tries_again_is_pending_until_it_did_not() {
    auto again = result_of("a", UpgradeStatus::pending, "it exited with status 3");
    again.step = "staged";
    again.retry_at = format_rfc3339(clock_.wall() + kStaleAfter);
    const std::string why = "staged: it exited with status 3; tries again at " + again.retry_at;
    check(Verdict::pending, judged(machine("a"), again), why);
    clock_.advance(2 * kStaleAfter - std::chrono::seconds(1));
    check(Verdict::pending, judged(machine("a"), again), why);
    clock_.advance(std::chrono::seconds(2));
    check(Verdict::stale, judged(machine("a"), again), "still runs its base image and gave no final answer");
  }

  void a_machine_that_lacks_a_feature_is_not_covered() {
    auto demanding = upgrade_;
    demanding.required_features = {"links"};
    auto able = machine("a");
    able.features = {"links"};
    const auto judged_by = [&](const MachineRecord& record) {
      return judge(as_recorded(record), pointer_to(demanding), {}, clock_.wall());
    };
    check(Verdict::pending, judged_by(able));
    const auto status = judged_by(machine("b"));
    CPPUNIT_ASSERT_EQUAL(std::string("base_image"), std::string(to_string(status.verdict)));
    CPPUNIT_ASSERT(status.why.find("lacks what the release requires: links") != std::string::npos);
  }

  void a_machine_that_failed_says_why() {
    check(Verdict::failed, judged(machine("a"), result_of("a", UpgradeStatus::failed, "no space")), "no space");
    check(Verdict::rolled_back, judged(machine("a"), result_of("a", UpgradeStatus::rolled_back, "crash")), "crash");
  }

  void a_silent_machine_is_pending_first_and_stale_later() {
    clock_.advance(kStaleAfter);
    check(Verdict::pending, judged(machine("a")));
    clock_.advance(std::chrono::seconds(1));
    check(Verdict::stale, judged(machine("a")), "still runs its base image and gave no final answer");
    check(Verdict::stale, judged(machine_on("a", upgrade_named("0OLD", "v1")), result_of("a", UpgradeStatus::pending)),
          "still runs v1 and gave no final answer");
    check(Verdict::up_to_date, judged(machine_on("a", upgrade_)));
  }

  void a_machine_that_just_booted_or_just_began_is_not_stale() {
    clock_.advance(std::chrono::hours(1));
    auto booted = machine("a");
    booted.booted_at = format_rfc3339(clock_.wall());
    check(Verdict::pending, judged(booted));
    check(Verdict::pending, judged(booted, result_of("a", UpgradeStatus::completed)));  // before it was restarted
    auto begun = result_of("a", UpgradeStatus::pending);
    begun.started_at = format_rfc3339(clock_.wall());
    check(Verdict::pending, judged(machine("a"), begun));
  }

  void a_machine_that_is_not_covered_is_on_its_base_image_or_on_another() {
    check(Verdict::base_image, judged(machine("a", "other")), "the pointer is for another base image");
    check(Verdict::other_base, judged(machine_on("a", upgrade_named("0OLD"), "other")),
          "the pointer is for another base image");
    const auto none = judge(member("a"), std::nullopt, std::nullopt, clock_.wall());
    check(Verdict::base_image, none, "no hot upgrade is published");
    const auto initial = judge(member("a"), Pointer::for_base_image(kBase, ""), std::nullopt, clock_.wall());
    check(Verdict::base_image, initial, "no hot upgrade is published");
  }

  void stopped_and_unreadable_machines_are_called_so() {
    check(Verdict::stopped, judged(machine("a", kBase, MachineState::stopped)));
    const auto unreadable = judge(member("a", "", FleetState::unreadable), std::nullopt, std::nullopt, clock_.wall());
    check(Verdict::unreadable, unreadable, "its record cannot be read");
  }

  void a_fleet_is_as_far_as_its_last_machine() {
    const auto judged_with = [&](const std::vector<Verdict>& verdicts) {
      FleetSnapshot snapshot;
      for (const Verdict verdict : verdicts) snapshot.machines.push_back({as_recorded(machine("a")), verdict, ""});
      return judge_fleet(snapshot);
    };
    CPPUNIT_ASSERT(judged_with({}) == FleetVerdict::under_way);
    CPPUNIT_ASSERT(judged_with({Verdict::stopped, Verdict::gone}) == FleetVerdict::up_to_date);
    CPPUNIT_ASSERT(judged_with({Verdict::up_to_date, Verdict::base_image}) == FleetVerdict::up_to_date);
    for (const Verdict verdict : {Verdict::pending, Verdict::stale, Verdict::silent, Verdict::unreadable})
      CPPUNIT_ASSERT(judged_with({Verdict::up_to_date, verdict}) == FleetVerdict::under_way);
    for (const Verdict verdict : {Verdict::failed, Verdict::rolled_back, Verdict::other_base})
      CPPUNIT_ASSERT(judged_with({Verdict::pending, verdict, Verdict::up_to_date}) == FleetVerdict::behind);
  }

  void a_record_proves_a_release_only_once_it_is_settled() {
    auto record = machine_on("a", upgrade_);
    CPPUNIT_ASSERT(has_committed(as_recorded(record), upgrade_));
    record.state = MachineState::stopped;
    CPPUNIT_ASSERT(has_committed(as_recorded(record), upgrade_));
    record.hot_ref = "published again";
    CPPUNIT_ASSERT(has_committed(as_recorded(record), upgrade_));
    for (const MachineState state : {MachineState::swapping, MachineState::unknown}) {
      record.state = state;
      CPPUNIT_ASSERT(!has_committed(as_recorded(record), upgrade_));
    }
    CPPUNIT_ASSERT(!has_committed(as_recorded(machine_on("a", upgrade_, "another image")), upgrade_));
    CPPUNIT_ASSERT(!has_committed(as_recorded(machine("a")), upgrade_));
    auto of_flydeploy = upgrade_;
    of_flydeploy.digest.clear();
    CPPUNIT_ASSERT_MESSAGE("no digest is no digest of the base image",
                           !has_committed(as_recorded(machine("a")), of_flydeploy));
  }

  void a_snapshot_without_changes_costs_a_conditional_get_and_two_lists() {
    CountingStore store(memory_);
    StoreMachineDirectory directory;
    FleetStatus status(store, directory, clock_, kLayout);
    store_text(memory_, kLayout.pointer(), pointer_to(upgrade_).to_json());
    for (const char* id : {"a", "b", "c"}) {
      check_in(memory_, machine(id));
      report(memory_, "01NOW", result_of(id, UpgradeStatus::pending));
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, value_of(status.take({})).machines.size());
    CPPUNIT_ASSERT_EQUAL(7, store.take("get"));
    CPPUNIT_ASSERT_EQUAL(2, store.take("list"));

    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, value_of(status.take({})).machines.size());
    CPPUNIT_ASSERT_EQUAL(1, store.take("get"));
    CPPUNIT_ASSERT_EQUAL(1, store.take("not modified"));
    CPPUNIT_ASSERT_EQUAL(2, store.take("list"));

    report(memory_, "01NOW", result_of("b", UpgradeStatus::failed, "no"));
    check(Verdict::failed, value_of(status.take({})).machines[1], "no");
    CPPUNIT_ASSERT_EQUAL(2, store.take("get"));
  }

  void a_new_pointer_brings_new_results() {
    StoreMachineDirectory directory;
    FleetStatus status(memory_, directory, clock_, kLayout);
    check_in(memory_, machine("a"));
    check(Verdict::base_image, value_of(status.take({})).machines[0], "no hot upgrade is published");
    store_text(memory_, kLayout.pointer(), pointer_to(upgrade_).to_json());
    report(memory_, "01NOW", result_of("a", UpgradeStatus::failed, "no"));
    check(Verdict::failed, value_of(status.take({})).machines[0], "no");
    auto next = upgrade_named("01NEXT", "v3", 6);
    next.deployed_at = format_rfc3339(clock_.wall());
    store_text(memory_, kLayout.pointer(), pointer_to(next).to_json());
    check(Verdict::pending, value_of(status.take({})).machines[0]);
  }

  void a_pointer_that_goes_is_gone() {
    StoreMachineDirectory directory;
    FleetStatus status(memory_, directory, clock_, kLayout);
    store_text(memory_, kLayout.pointer(), pointer_to(upgrade_).to_json());
    CPPUNIT_ASSERT(value_of(status.take({})).pointer.has_value());
    assert_ok(memory_.remove(kLayout.pointer(), {}));
    CPPUNIT_ASSERT(!value_of(status.take({})).pointer.has_value());
    store_text(memory_, kLayout.pointer(), "{");
    assert_fails(status.take({}), Errc::corrupt, "repair that object");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FleetStatusTest, "fleet_status");

}  // namespace midair::host
