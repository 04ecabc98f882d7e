#include "midair/retry.h"

#include <algorithm>

namespace midair {

std::optional<std::chrono::milliseconds> RetrySchedule::pause_after(const Error& error, const CallTimer& timer) {
  if (!error.retryable() || retries_ == kMaxRetries) return std::nullopt;
  ++retries_;
  std::chrono::milliseconds wait = delays_.next();
  if (error.retry_after) wait = std::max(wait, *error.retry_after);
  if (wait >= timer.remaining()) return std::nullopt;
  return wait;
}

void RetrySchedule::reset() {
  retries_ = 0;
  delays_.reset();
}

}  // namespace midair
