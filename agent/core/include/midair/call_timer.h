/// @file
/// The deadline and the stop request of one call, asked together.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "midair/call_limits.h"
#include "midair/clock.h"
#include "midair/error.h"

namespace midair {

/// CallLimits at work: who offers a service takes limits, and makes one timer of them that all below it share.
///
/// Starts when it is made. Keeps a reference to the clock. Thread-safe.
class CallTimer {
 public:
  explicit CallTimer(const CallLimits& limits, const Clock& clock = system_clock())
      : clock_(clock), end_(clock.now() + limits.deadline), stop_(limits.stop) {}

  /// What is left, never negative.
  [[nodiscard]] std::chrono::nanoseconds remaining() const {
    return std::max(end_ - clock_.now(), std::chrono::nanoseconds::zero());
  }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }
  /// What is left, for a service that is asked on the way: whole milliseconds, rounded up.
  [[nodiscard]] CallLimits limits() const { return {std::chrono::ceil<std::chrono::milliseconds>(remaining()), stop_}; }
  /// True after a stop request and after the deadline.
  [[nodiscard]] bool is_over() const {
    return stop_.stop_requested() || remaining() == std::chrono::nanoseconds::zero();
  }

  /// Errc::cancelled after a stop request, Errc::timeout after the deadline.
  [[nodiscard]] Result<void> check(const std::string& op, const std::string& subject) const {
    if (stop_.stop_requested()) return Error{Errc::cancelled, op, subject, "the caller asked to stop"};
    if (remaining() == std::chrono::nanoseconds::zero())
      return Error{Errc::timeout, op, subject, "the deadline of the whole call passed"};
    return {};
  }

 private:
  const Clock& clock_;
  const BootTime end_;
  const std::stop_token stop_;
};

}  // namespace midair
