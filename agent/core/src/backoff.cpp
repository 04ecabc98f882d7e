#include "midair/backoff.h"

#include <algorithm>

namespace midair {

namespace {

constexpr std::chrono::milliseconds kMaxRetryAfter = std::chrono::minutes(10);

std::chrono::milliseconds scaled(std::chrono::milliseconds duration, double by) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration * by);
}

}  // namespace

Backoff::Backoff(const BackoffSteps& steps, Seed seed) : steps_(steps), ceiling_(steps.first), random_(seed) {}

std::chrono::milliseconds Backoff::next() {
  const auto least = ceiling_ - scaled(ceiling_, steps_.jitter);
  const std::chrono::milliseconds delay(
      std::uniform_int_distribution<std::int64_t>(least.count(), ceiling_.count())(random_));
  ceiling_ = std::min(scaled(ceiling_, steps_.factor), steps_.highest);
  return delay;
}

std::chrono::milliseconds Backoff::after(const Error& error) {
  const auto asked = error.retry_after.value_or(std::chrono::milliseconds(0));
  return std::min(asked, kMaxRetryAfter) + next();
}

}  // namespace midair
