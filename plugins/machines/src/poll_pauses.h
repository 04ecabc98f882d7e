/// @file
/// Asking again and again for what takes a while.
#pragma once

#include <algorithm>
#include <chrono>

#include "midair/backoff.h"
#include "midair/call_timer.h"
#include "midair/pause.h"

namespace midair::host::machines {

/// Pauses that grow by half up to 5 s, and vary by a fifth, so that many pollers don't march in step. Not thread-safe.
class PollPauses {
 public:
  explicit PollPauses(std::chrono::milliseconds first)
      : delays_({.first = first,
                 .highest = std::max(first, std::chrono::milliseconds(5000)),
                 .factor = 1.5,
                 .jitter = 0.2}) {}

  /// Pauses, but not beyond the timer's end.
  void wait(const CallTimer& timer) {
    pause(std::min(delays_.next(), std::chrono::ceil<std::chrono::milliseconds>(timer.remaining())), timer.stop());
  }

 private:
  Backoff delays_;
};

}  // namespace midair::host::machines
