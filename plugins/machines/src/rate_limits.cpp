#include "rate_limits.h"

#include <algorithm>

#include "midair/retry.h"

namespace midair::host::machines {

namespace {

/// Full buckets are forgotten once there are so many.
constexpr std::size_t kManyBuckets = 4096;

}  // namespace

std::chrono::nanoseconds RateLimits::reserve(const std::string& key, const Rate& rate) {
  const BootTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (busy_until_.size() > kManyBuckets)
    std::erase_if(busy_until_, [&](const auto& bucket) { return bucket.second <= now; });
  BootTime& busy_until = busy_until_[key];
  const BootTime turn = std::max(now, busy_until - rate.interval * (rate.burst - 1));
  busy_until = std::max(now, busy_until) + rate.interval;
  return turn - now;
}

Result<void> RateLimits::wait(const std::string& key, const Rate& rate, const CallTimer& timer) {
  const auto turn = std::chrono::ceil<std::chrono::milliseconds>(reserve(key, rate));
  if (turn >= timer.remaining())
    return Error{Errc::timeout, "wait for a turn to", key, "Fly's rate limit leaves none before the deadline"};
  if (turn > std::chrono::milliseconds::zero()) pause(turn, timer.stop());
  return timer.check("wait for a turn to", key);
}

}  // namespace midair::host::machines
