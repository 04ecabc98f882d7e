/// @file
/// Waiting for time to pass.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

namespace midair {

/// Waiting behind a seam, so that tests advance a clock instead of sleeping.
using Pause = std::function<void(std::chrono::milliseconds, const std::stop_token&)>;

/// Blocks the calling thread for `duration`, or until a stop is requested if that comes first. Uses no time meanwhile.
void pause(std::chrono::milliseconds duration, const std::stop_token& stop);

}  // namespace midair
