#include "swap/swap_table.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>

namespace midair::sidecar {

class SwapTableTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SwapTableTest);
  CPPUNIT_TEST(the_straight_road_leads_through_every_state_to_idle);
  CPPUNIT_TEST(a_failure_before_the_switch_aborts);
  CPPUNIT_TEST(a_newer_release_aborts_until_the_switch_begins);
  CPPUNIT_TEST(a_failure_in_probation_rolls_back);
  CPPUNIT_TEST(what_is_committed_never_goes_back);
  CPPUNIT_TEST(what_has_no_row_is_ignored);
  CPPUNIT_TEST(a_boot_begins_in_probation);
  CPPUNIT_TEST(every_state_but_lost_leads_back_to_idle);
  CPPUNIT_TEST_SUITE_END();

  static SwapState after(SwapState from, SwapEvent event) {
    const auto row = swap_row(from, event);
    CPPUNIT_ASSERT_MESSAGE(to_string(from), row.has_value());
    return row->to;
  }

  void the_straight_road_leads_through_every_state_to_idle() {
    SwapState state = after(SwapState::idle, SwapEvent::release_found);
    for (const SwapState expected : {SwapState::fetching, SwapState::staged, SwapState::prepared, SwapState::suspended,
                                     SwapState::migrated, SwapState::probation, SwapState::committed}) {
      CPPUNIT_ASSERT_EQUAL(std::string(to_string(expected)), std::string(to_string(state)));
      state = after(state, SwapEvent::step_done);
    }
    CPPUNIT_ASSERT(state == SwapState::idle);
  }

  void a_failure_before_the_switch_aborts() {
    for (const SwapState state :
         {SwapState::fetching, SwapState::staged, SwapState::prepared, SwapState::suspended, SwapState::migrated}) {
      CPPUNIT_ASSERT(after(state, SwapEvent::step_failed) == SwapState::aborted);
      CPPUNIT_ASSERT(after(state, SwapEvent::stop_requested) == SwapState::aborted);
    }
  }

  void a_newer_release_aborts_until_the_switch_begins() {
    for (const SwapState state : {SwapState::fetching, SwapState::staged, SwapState::prepared, SwapState::suspended})
      CPPUNIT_ASSERT(after(state, SwapEvent::superseded) == SwapState::aborted);
    for (const SwapState state : {SwapState::idle, SwapState::migrated, SwapState::probation, SwapState::committed,
                                  SwapState::aborted, SwapState::rolling_back})
      CPPUNIT_ASSERT_MESSAGE(to_string(state), !swap_row(state, SwapEvent::superseded));
  }

  void a_failure_in_probation_rolls_back() {
    CPPUNIT_ASSERT(after(SwapState::probation, SwapEvent::step_failed) == SwapState::rolling_back);
    CPPUNIT_ASSERT(after(SwapState::probation, SwapEvent::candidate_exited) == SwapState::rolling_back);
    CPPUNIT_ASSERT(after(SwapState::rolling_back, SwapEvent::step_done) == SwapState::rolled_back);
    CPPUNIT_ASSERT(after(SwapState::rolling_back, SwapEvent::step_failed) == SwapState::lost);
  }

  void what_is_committed_never_goes_back() {
    CPPUNIT_ASSERT(after(SwapState::committed, SwapEvent::step_failed) == SwapState::committed);
  }

  void what_has_no_row_is_ignored() {
    CPPUNIT_ASSERT(!swap_row(SwapState::idle, SwapEvent::step_done));
    CPPUNIT_ASSERT(!swap_row(SwapState::probation, SwapEvent::stop_requested));
    CPPUNIT_ASSERT(!swap_row(SwapState::fetching, SwapEvent::release_found));
    CPPUNIT_ASSERT(!swap_row(SwapState::lost, SwapEvent::step_done));
  }

  void a_boot_begins_in_probation() {
    CPPUNIT_ASSERT(after(SwapState::idle, SwapEvent::booted) == SwapState::probation);
    for (const SwapRow& row : kSwapTable)
      CPPUNIT_ASSERT_MESSAGE(to_string(row.from), row.from == SwapState::idle || row.on != SwapEvent::booted);
  }

  void every_state_but_lost_leads_back_to_idle() {
    std::set<SwapState> homeward{SwapState::idle};
    for (bool grew = true; grew;) {
      grew = false;
      for (const SwapRow& row : kSwapTable)
        if (homeward.contains(row.to) && homeward.insert(row.from).second) grew = true;
    }
    for (const SwapRow& row : kSwapTable) {
      CPPUNIT_ASSERT_MESSAGE(to_string(row.from), homeward.contains(row.from));
      CPPUNIT_ASSERT_MESSAGE(to_string(row.to), homeward.contains(row.to) || row.to == SwapState::lost);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SwapTableTest, "swap_table");

}  // namespace midair::sidecar
