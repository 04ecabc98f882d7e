#include "midair/retry.h"

#include <algorithm>

#include "midair/pause.h"

namespace midair {

std::optional<std::chrono::milliseconds> RetrySchedule::pause_after(const Error& error, const CallTimer& timer) {
  if (!error.retryable() || retries_ == kMaxRetries) return std::nullopt;
  const auto ceiling = std::min(kFirstCeiling * (1 << retries_), kHighestCeiling);
  ++retries_;
  std::chrono::milliseconds wait(std::uniform_int_distribution<std::int64_t>(0, ceiling.count())(random_));
  if (error.retry_after) wait = std::max(wait, *error.retry_after);
  if (wait >= timer.remaining()) return std::nullopt;
  return wait;
}

void pause(std::chrono::milliseconds duration, const CallTimer& timer) { pause_thread(duration, timer.stop()); }

}  // namespace midair
