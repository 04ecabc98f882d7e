/// @file
/// Trying again: how long to wait, and when to give up.
#pragma once

#include <chrono>
#include <optional>
#include <random>

#include "midair/call_timer.h"
#include "midair/error.h"

namespace midair {

/// The pauses of one call: exponential with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog), so
/// that a fleet that failed together does not come back together. A Retry-After of the server is obeyed. Not
/// thread-safe.
class RetrySchedule {
 public:
  static constexpr int kMaxRetries = 5;
  static constexpr std::chrono::milliseconds kFirstCeiling{100};  ///< doubles with every retry
  static constexpr std::chrono::milliseconds kHighestCeiling{5000};

  explicit RetrySchedule(std::minstd_rand::result_type seed = std::random_device{}()) : random_(seed) {}

  /// The pause before the next try, or nothing if `error` is final: not retryable, too many retries, or no time left
  /// for another one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> pause_after(const Error& error, const CallTimer& timer);

  /// The last try got somewhere: count from the beginning.
  void reset() { retries_ = 0; }

 private:
  std::minstd_rand random_;
  int retries_ = 0;
};

/// Waits, at most until somebody asks to stop.
void pause(std::chrono::milliseconds duration, const CallTimer& timer);

/// Calls `attempt` (which checks the timer and returns a Result) until it succeeds or fails for good; the last outcome
/// is returned.
template <class Attempt>
auto with_retries(const CallTimer& timer, const Attempt& attempt) -> decltype(attempt()) {
  for (RetrySchedule schedule;;) {
    auto outcome = attempt();
    if (outcome.ok()) return outcome;
    const auto wait = schedule.pause_after(outcome.error(), timer);
    if (!wait) return outcome;
    pause(*wait, timer);
  }
}

}  // namespace midair
