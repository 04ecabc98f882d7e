#include "rate_limits.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair::host::machines {

class RateLimitsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RateLimitsTest);
  CPPUNIT_TEST(a_burst_goes_at_once_and_then_one_per_interval);
  CPPUNIT_TEST(a_rest_fills_the_bucket_but_not_more);
  CPPUNIT_TEST(each_key_has_a_bucket_of_its_own);
  CPPUNIT_TEST(no_turn_before_the_deadline_is_told_at_once);
  CPPUNIT_TEST_SUITE_END();

  static constexpr std::chrono::seconds kNone{0};

  void a_burst_goes_at_once_and_then_one_per_interval() {
    const ManualClock clock;
    RateLimits limits(clock);
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(limits.reserve("stop 1", kActionRate) == kNone);
    CPPUNIT_ASSERT(limits.reserve("stop 1", kActionRate) == std::chrono::seconds(1));
    CPPUNIT_ASSERT(limits.reserve("stop 1", kActionRate) == std::chrono::seconds(2));
    for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT(limits.reserve("get 1", kGetMachineRate) == kNone);
    CPPUNIT_ASSERT(limits.reserve("get 1", kGetMachineRate) == std::chrono::milliseconds(200));
  }

  void a_rest_fills_the_bucket_but_not_more() {
    ManualClock clock;
    RateLimits limits(clock);
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(limits.reserve("k", kActionRate) == kNone);
    clock.advance(std::chrono::seconds(1));
    CPPUNIT_ASSERT(limits.reserve("k", kActionRate) == kNone);
    CPPUNIT_ASSERT(limits.reserve("k", kActionRate) == std::chrono::seconds(1));
    clock.advance(std::chrono::hours(1));
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(limits.reserve("k", kActionRate) == kNone);
    CPPUNIT_ASSERT(limits.reserve("k", kActionRate) == std::chrono::seconds(1));
  }

  void each_key_has_a_bucket_of_its_own() {
    const ManualClock clock;
    RateLimits limits(clock);
    for (int i = 0; i < 10'000; ++i) CPPUNIT_ASSERT(limits.reserve("k" + std::to_string(i), kActionRate) == kNone);
  }

  void no_turn_before_the_deadline_is_told_at_once() {
    const ManualClock clock;
    RateLimits limits(clock);
    const CallTimer timer({.deadline = std::chrono::milliseconds(900)}, clock);
    for (int i = 0; i < 3; ++i) assert_ok(limits.wait("k", kActionRate, timer));
    assert_fails(limits.wait("k", kActionRate, timer), Errc::timeout, "rate limit");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RateLimitsTest, "rate_limits");

}  // namespace midair::host::machines
