/// @file
/// What bounds a call that may wait: for a network, a lock, another process.
#pragma once

#include <chrono>
#include <stop_token>

namespace midair {

/// Limits of one call, as a service takes them from its callers. Every call ends by its deadline and soon after a stop
/// is requested.
struct CallLimits {
  std::chrono::milliseconds deadline = std::chrono::seconds(30);  ///< for the whole call, retries included
  std::stop_token stop{};                                         ///< ends the call with Errc::cancelled
};

}  // namespace midair
