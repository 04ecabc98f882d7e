#include "midair/host/fleet/fleet_plan.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"

namespace midair::host {

class FleetPlanTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FleetPlanTest);
  CPPUNIT_TEST(machines_that_agree_choose_the_base_image);
  CPPUNIT_TEST(machines_that_disagree_are_counted_by_image);
  CPPUNIT_TEST(a_named_image_covers_its_machines_only);
  CPPUNIT_TEST(an_empty_fleet_is_refused_unless_machines_to_come_are_meant);
  CPPUNIT_TEST(stopped_and_unreadable_machines_have_no_say);
  CPPUNIT_TEST(a_machine_that_lacks_a_feature_is_named);
  CPPUNIT_TEST_SUITE_END();

  void machines_that_agree_choose_the_base_image() {
    const auto plan = value_of(plan_fleet({member("a"), member("b", kBase, FleetState::swapping)}, {}, Force::no));
    CPPUNIT_ASSERT_EQUAL(kBase, plan.base_image);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, plan.covered.size());
    CPPUNIT_ASSERT(plan.uncovered.empty());
  }

  void machines_that_disagree_are_counted_by_image() {
    const auto plan = plan_fleet({member("a", "one"), member("b", "two"), member("c", "two")}, {}, Force::yes);
    assert_fails(plan, Errc::refused, "one (1 machine), two (2 machines)");
    assert_fails(plan, Errc::refused, "--image REF");
  }

  void a_named_image_covers_its_machines_only() {
    const auto plan = value_of(plan_fleet({member("a", "one"), member("b", "two")}, "two", Force::no));
    CPPUNIT_ASSERT_EQUAL(std::string("b"), plan.covered.at(0).record.machine_id);
    CPPUNIT_ASSERT_EQUAL(std::string("a"), plan.uncovered.at(0).machine.record.machine_id);
    CPPUNIT_ASSERT_EQUAL(std::string("runs another base image, one"), plan.uncovered.at(0).reason);
    assert_fails(plan_fleet({member("a", "one")}, "two", Force::no), Errc::refused, "they run one (1 machine)");
  }

  void an_empty_fleet_is_refused_unless_machines_to_come_are_meant() {
    assert_fails(plan_fleet({}, {}, Force::no), Errc::refused, "no running machine has checked in");
    assert_fails(plan_fleet({}, {}, Force::yes), Errc::refused, "--image REF --force");
    assert_fails(plan_fleet({}, "one", Force::no), Errc::refused, "--force");
    const auto plan = value_of(plan_fleet({}, "one", Force::yes));
    CPPUNIT_ASSERT_EQUAL(std::string("one"), plan.base_image);
    CPPUNIT_ASSERT(plan.covered.empty());
  }

  void a_machine_that_lacks_a_feature_is_named() {
    auto able = member("a");
    able.record.features = {"links", "names"};
    auto unable = member("b");
    unable.record.sidecar_version = "0.1.0";
    unable.record.features = {"names"};
    const auto plan = value_of(plan_fleet({able, unable}, {}, Force::no, {"links", "names"}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, plan.covered.size());
    CPPUNIT_ASSERT_EQUAL(std::string("its sidecar 0.1.0 lacks what the release requires: links"),
                         plan.uncovered.at(0).reason);
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, value_of(plan_fleet({able, unable}, {}, Force::no)).covered.size());
    assert_fails(plan_fleet({unable}, {}, Force::no, {"links"}), Errc::refused, "b: its sidecar 0.1.0 lacks");
    CPPUNIT_ASSERT(value_of(plan_fleet({unable}, kBase, Force::yes, {"links"})).covered.empty());
  }

  void stopped_and_unreadable_machines_have_no_say() {
    const auto plan = value_of(
        plan_fleet({member("a"), member("b", "two", FleetState::stopped), member("c", "", FleetState::unreadable)}, {},
                   Force::no));
    CPPUNIT_ASSERT_EQUAL(kBase, plan.base_image);
    CPPUNIT_ASSERT_EQUAL(std::string("stopped; it looks for its upgrade when it starts"), plan.uncovered.at(0).reason);
    CPPUNIT_ASSERT_EQUAL(std::string("its record cannot be read"), plan.uncovered.at(1).reason);
    assert_fails(plan_fleet({member("b", "two", FleetState::stopped)}, {}, Force::no), Errc::refused, "checked in");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FleetPlanTest, "fleet_plan");

}  // namespace midair::host
