/// @file
/// Trying again: how long to wait, and when to give up.
#pragma once

#include <chrono>
#include <optional>

#include "midair/backoff.h"
#include "midair/call_timer.h"
#include "midair/error.h"
#include "midair/pause.h"

namespace midair {

/// The pauses of one call: a Backoff with full jitter that gives up. A Retry-After of the server is obeyed. Not
/// thread-safe.
class RetrySchedule {
 public:
  static constexpr int kMaxRetries = 5;
  static constexpr BackoffSteps kSteps{std::chrono::milliseconds(100), std::chrono::milliseconds(5000)};

  RetrySchedule() : delays_(kSteps) {}
  explicit RetrySchedule(Backoff::Seed seed) : delays_(kSteps, seed) {}

  /// The pause before the next try, or nothing if `error` is final: not retryable, too many retries, or no time left
  /// for another one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> pause_after(const Error& error, const CallTimer& timer);

  /// The last try got somewhere: count from the beginning.
  void reset();

 private:
  Backoff delays_;
  int retries_ = 0;
};

/// Calls `attempt` (which checks the timer and returns a Result) until it succeeds or fails for good; the last outcome
/// is returned.
template <class Attempt>
auto with_retries(const CallTimer& timer, const Attempt& attempt) -> decltype(attempt()) {
  for (RetrySchedule schedule;;) {
    auto outcome = attempt();
    if (outcome.ok()) return outcome;
    const auto wait = schedule.pause_after(outcome.error(), timer);
    if (!wait) return outcome;
    pause(*wait, timer.stop());
  }
}

}  // namespace midair
