/// @file
/// A clock that a thread can wait by.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "midair/clock.h"

namespace midair::sidecar {

/// A clock whose owner decides how long a wait for a time takes: tests end it by moving the clock. Thread-safe.
class WaitingClock : public Clock {
 public:
  /// Waits for `changed` until `done()`, or until `deadline` has come; returns done(). `lock` holds the mutex that
  /// guards what done() reads.
  virtual bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, BootTime deadline,
                          const std::function<bool()>& done) const = 0;
};

/// The machine's clocks, as system_clock().
[[nodiscard]] const WaitingClock& waiting_system_clock();

}  // namespace midair::sidecar
