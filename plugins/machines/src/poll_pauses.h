/// @file
/// Asking again and again for what takes a while.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "midair/retry.h"

namespace midair::host::machines {

/// Pauses that begin with `first`, grow by half up to 5 s, and vary by a fifth, so that many pollers don't march in
/// step. Not thread-safe.
class PollPauses {
 public:
  explicit PollPauses(std::chrono::milliseconds first) : next_(first) {}

  /// Pauses, but not beyond the timer's end.
  void wait(const CallTimer& timer) {
    const auto spread = next_.count() / 5;
    const std::chrono::milliseconds varied(
        std::uniform_int_distribution<std::int64_t>(next_.count() - spread, next_.count() + spread)(random_));
    next_ = std::min(next_ * 3 / 2, std::chrono::milliseconds(5000));
    pause(std::min(varied, std::chrono::ceil<std::chrono::milliseconds>(timer.remaining())), timer);
  }

 private:
  std::minstd_rand random_{std::random_device{}()};
  std::chrono::milliseconds next_;
};

}  // namespace midair::host::machines
