#include "midair/retry.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/clock.h"

namespace midair {

class RetryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RetryTest);
  CPPUNIT_TEST(pauses_grow_up_to_a_ceiling_and_are_spread);
  CPPUNIT_TEST(gives_up_after_some_retries);
  CPPUNIT_TEST(begins_anew_after_progress);
  CPPUNIT_TEST(obeys_the_server_within_the_deadline);
  CPPUNIT_TEST(does_not_wait_beyond_the_deadline);
  CPPUNIT_TEST(never_repeats_what_cannot_help);
  CPPUNIT_TEST(with_retries_hands_on_the_last_outcome);
  CPPUNIT_TEST_SUITE_END();

  static Error failure(Errc code = Errc::unavailable) { return {code, "ask", "it", "down"}; }

  void pauses_grow_up_to_a_ceiling_and_are_spread() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::hours(1)}, clock);
    std::chrono::milliseconds sum[RetrySchedule::kMaxRetries]{};
    std::mt19937 seeds(1);
    for (int round = 0; round < 400; ++round) {
      RetrySchedule schedule(seeds());
      for (int i = 0; i < RetrySchedule::kMaxRetries; ++i) {
        const auto pause = schedule.pause_after(failure(), timer);
        CPPUNIT_ASSERT(pause.has_value());
        CPPUNIT_ASSERT(*pause >= std::chrono::milliseconds(0));
        CPPUNIT_ASSERT(*pause <= std::min(RetrySchedule::kSteps.first * (1 << i), RetrySchedule::kSteps.highest));
        sum[i] += *pause;
      }
    }
    // Full jitter: the mean of the i-th pause is half of its ceiling.
    for (int i = 0; i < RetrySchedule::kMaxRetries; ++i) {
      const auto mean = sum[i] / 400;
      const auto half = RetrySchedule::kSteps.first * (1 << i) / 2;
      CPPUNIT_ASSERT(mean > half * 8 / 10 && mean < half * 12 / 10);
    }
  }

  void gives_up_after_some_retries() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::hours(1)}, clock);
    RetrySchedule schedule(1);
    for (int i = 0; i < RetrySchedule::kMaxRetries; ++i) CPPUNIT_ASSERT(schedule.pause_after(failure(), timer));
    CPPUNIT_ASSERT(!schedule.pause_after(failure(), timer));
  }

  void begins_anew_after_progress() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::hours(1)}, clock);
    RetrySchedule schedule(1);
    for (int i = 0; i < RetrySchedule::kMaxRetries; ++i) CPPUNIT_ASSERT(schedule.pause_after(failure(), timer));
    schedule.reset();
    const auto pause = schedule.pause_after(failure(), timer);
    CPPUNIT_ASSERT(pause && *pause <= RetrySchedule::kSteps.first);
  }

  void obeys_the_server_within_the_deadline() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::seconds(30)}, clock);
    Error throttled = failure(Errc::throttled);
    throttled.retry_after = std::chrono::seconds(20);
    RetrySchedule schedule(1);
    CPPUNIT_ASSERT(schedule.pause_after(throttled, timer) == std::chrono::seconds(20));
    clock.advance(std::chrono::seconds(20));
    CPPUNIT_ASSERT(!schedule.pause_after(throttled, timer));
  }

  void does_not_wait_beyond_the_deadline() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::seconds(1)}, clock);
    clock.advance(std::chrono::seconds(1));
    CPPUNIT_ASSERT(!RetrySchedule(1).pause_after(failure(), timer));
    CPPUNIT_ASSERT(timer.check("ask", "it").error().code == Errc::timeout);
  }

  void never_repeats_what_cannot_help() {
    ManualClock clock;
    const CallTimer timer(CallLimits{std::chrono::hours(1)}, clock);
    for (const Errc code : {Errc::bad_input, Errc::not_found, Errc::precondition, Errc::denied, Errc::corrupt,
                            Errc::refused, Errc::no_space, Errc::io, Errc::cancelled, Errc::bug})
      CPPUNIT_ASSERT_MESSAGE(to_string(code), !RetrySchedule(1).pause_after(failure(code), timer));
  }

  void with_retries_hands_on_the_last_outcome() {
    const CallTimer timer(CallLimits{std::chrono::seconds(30)});
    int calls = 0;
    const auto outcome = with_retries(timer, [&]() -> Result<int> {
      if (++calls < 3) return failure();
      return calls;
    });
    CPPUNIT_ASSERT_EQUAL(3, outcome.value());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RetryTest, "retry");

}  // namespace midair
