#include "midair/host/fleet/fleet_directory.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/host/fleet/fleet_status.h"
#include "midair/host/memory_machines.h"

namespace midair::host {

class FleetDirectoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FleetDirectoryTest);
  CPPUNIT_TEST(a_machine_that_fly_does_not_run_is_stopped_whatever_its_record_says);
  CPPUNIT_TEST(a_machine_that_runs_without_a_record_is_silent);
  CPPUNIT_TEST(a_record_of_a_machine_that_fly_does_not_know_is_gone);
  CPPUNIT_TEST(what_is_being_destroyed_is_no_part_of_the_fleet);
  CPPUNIT_TEST(another_image_is_told);
  CPPUNIT_TEST(only_machines_that_can_answer_are_counted_on);
  CPPUNIT_TEST(without_an_api_the_store_alone_counts);
  CPPUNIT_TEST(the_platform_is_asked_for_those_who_never_checked_in);
  CPPUNIT_TEST_SUITE_END();

  static Machine known(const std::string& id, const std::string& state, const std::string& image = {}) {
    Machine machine;
    machine.id = id;
    machine.state = state;
    machine.image = image;
    return machine;
  }
  static MachineStatus judged(const FleetMachine& machine) { return judge(machine, std::nullopt, std::nullopt, {}); }

  void a_machine_that_fly_does_not_run_is_stopped_whatever_its_record_says() {
    const auto fleet = merge_fleet({member("a"), member("b"), member("c")},
                                   {known("a", "started"), known("b", "suspended"), known("c", "stopped")});
    CPPUNIT_ASSERT(fleet[0].state == FleetState::serving);
    CPPUNIT_ASSERT(fleet[1].state == FleetState::stopped && fleet[2].state == FleetState::stopped);
    CPPUNIT_ASSERT(judged(fleet[1]).verdict == Verdict::stopped && judged(fleet[1]).why == "suspended");
  }

  void a_machine_that_runs_without_a_record_is_silent() {
    const auto fleet =
        merge_fleet({member("b")}, {known("b", "started"), known("a", "started", "image"), known("c", "stopped")});
    CPPUNIT_ASSERT_EQUAL(std::string("a"), fleet[0].record.machine_id);
    CPPUNIT_ASSERT(fleet[0].state == FleetState::silent && fleet[0].record.base_image_ref == "image");
    CPPUNIT_ASSERT(judged(fleet[0]).verdict == Verdict::silent);
    CPPUNIT_ASSERT(fleet[2].state == FleetState::stopped);
  }

  void a_record_of_a_machine_that_fly_does_not_know_is_gone() {
    const auto fleet = merge_fleet({member("a")}, {});
    CPPUNIT_ASSERT(fleet[0].state == FleetState::gone && judged(fleet[0]).verdict == Verdict::gone);
  }

  void what_is_being_destroyed_is_no_part_of_the_fleet() {
    const auto fleet = merge_fleet({member("a")}, {known("a", "destroying"), known("b", "destroyed")});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, fleet.size());
    CPPUNIT_ASSERT(fleet[0].state == FleetState::gone);
  }

  void another_image_is_told() {
    const auto fleet = merge_fleet({member("a")}, {known("a", "started", "another")});
    CPPUNIT_ASSERT(judged(fleet[0]).why.find("Fly has another image for it, another") != std::string::npos);
  }

  void only_machines_that_can_answer_are_counted_on() {
    using enum FleetState;
    for (const auto state : {unknown, serving, swapping})
      CPPUNIT_ASSERT_MESSAGE(to_string(state), can_answer(member("a", kBase, state)));
    for (const auto state : {stopped, silent, gone, unreadable})
      CPPUNIT_ASSERT_MESSAGE(to_string(state), !can_answer(member("a", kBase, state)));
  }

  void without_an_api_the_store_alone_counts() {
    MemoryObjectStore store;
    check_in(store, machine("a"));
    FleetDirectory alone([] { return std::shared_ptr<MachinesRead>(); });
    CPPUNIT_ASSERT(value_of(alone.machines(store, "web", {}))[0].state == FleetState::serving);
    FleetDirectory broken([]() -> Result<std::shared_ptr<MachinesRead>> {
      return Error{Errc::bad_input, "use", "it", "its settings are wrong"};
    });
    CPPUNIT_ASSERT(value_of(broken.machines(store, "web", {}))[0].state == FleetState::serving);
  }

  void the_platform_is_asked_for_those_who_never_checked_in() {
    MemoryObjectStore store;
    check_in(store, machine("a"));
    const auto platform = std::make_shared<MemoryMachines>();
    platform->put("web", known("a", "started"));
    platform->put("web", known("b", "started"));
    platform->put("other", known("c", "started"));
    FleetDirectory both([platform] { return std::shared_ptr<MachinesRead>(platform); });
    const auto fleet = value_of(both.machines(store, "web", {}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, fleet.size());
    CPPUNIT_ASSERT(fleet[0].state == FleetState::serving && fleet[1].state == FleetState::silent);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FleetDirectoryTest, "fleet_directory");

}  // namespace midair::host
