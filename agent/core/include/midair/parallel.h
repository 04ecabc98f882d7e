/// @file
/// Many small calls at once.
#pragma once

#include <cstddef>
#include <functional>

namespace midair {

/// Calls in flight at once against one server: enough to hide round trips, few enough not to be throttled.
inline constexpr std::size_t kParallelCalls = 8;

/// Calls `work(0)` ... `work(count - 1)`, at most `at_once` at a time, and returns when all have returned. `work`
/// must be thread-safe and must not throw.
void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& work,
                       std::size_t at_once = kParallelCalls);

}  // namespace midair
