#include "state/backoff.h"

#include <algorithm>

namespace midair::sidecar {

namespace {

constexpr std::chrono::milliseconds kMaxRetryAfter = std::chrono::minutes(10);

}  // namespace

Backoff::Backoff(std::chrono::milliseconds first, std::chrono::milliseconds cap, std::mt19937 generator)
    : first_(first), cap_(cap), ceiling_(first), generator_(generator) {}

std::chrono::milliseconds Backoff::next() {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(0, ceiling_.count());
  const std::chrono::milliseconds delay(jitter(generator_));
  ceiling_ = std::min(cap_, ceiling_ * 2);
  return delay;
}

std::chrono::milliseconds Backoff::after(const Error& error) {
  const auto asked = error.retry_after.value_or(std::chrono::milliseconds(0));
  return std::min(asked, kMaxRetryAfter) + next();
}

}  // namespace midair::sidecar
