#include "state/backoff.h"

#include <algorithm>

namespace midair {

Backoff::Backoff(std::chrono::milliseconds first, std::chrono::milliseconds cap, std::mt19937 generator)
    : first_(first), cap_(cap), ceiling_(first), generator_(generator) {}

std::chrono::milliseconds Backoff::next() {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(0, ceiling_.count());
  const std::chrono::milliseconds delay(jitter(generator_));
  ceiling_ = std::min(cap_, ceiling_ * 2);
  return delay;
}

}  // namespace midair
