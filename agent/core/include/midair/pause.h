/// @file
/// Waiting behind a seam, so that tests advance a clock instead of sleeping.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

namespace midair {

/// Waits for a duration, or until a stop is requested if that comes first.
using Pause = std::function<void(std::chrono::milliseconds, const std::stop_token&)>;

/// Blocks the calling thread; uses no time while it waits.
void pause_thread(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace midair
