/// @file
/// Fly's rate limits, kept on our side, so that nobody has to be refused.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "midair/call_timer.h"
#include "midair/clock.h"
#include "midair/error.h"

namespace midair::host::machines {

/// How often something may be done: once per `interval`, and `burst` times at once after a rest.
struct Rate {
  std::chrono::milliseconds interval;
  int burst;
};
/// For each action on each machine or app (fly.io/docs/machines/api/working-with-machines-api, "Rate limits").
inline constexpr Rate kActionRate{std::chrono::milliseconds(1000), 3};
inline constexpr Rate kGetMachineRate{std::chrono::milliseconds(200), 10};

/// One token bucket per key. Thread-safe.
class RateLimits {
 public:
  explicit RateLimits(const Clock& clock = system_clock()) : clock_(clock) {}

  /// Takes a turn and tells how long to wait for it. It is taken also if the caller doesn't wait.
  [[nodiscard]] std::chrono::nanoseconds reserve(const std::string& key, const Rate& rate);
  /// Takes a turn and waits for it. Errc::timeout or Errc::cancelled as the timer says.
  [[nodiscard]] Result<void> wait(const std::string& key, const Rate& rate, const CallTimer& timer);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, BootTime> busy_until_;  ///< when a bucket will be full again; guarded by mutex_
};

}  // namespace midair::host::machines
