#include "midair/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace midair {

void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& work, std::size_t at_once) {
  std::atomic<std::size_t> next{0};
  const auto drain = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min(count, at_once); ++i) helpers.emplace_back(drain);
  drain();
}

}  // namespace midair
