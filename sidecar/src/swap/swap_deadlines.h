/// @file
/// How long the steps of a swap may take.
#pragma once

#include <chrono>

namespace midair::sidecar {

/// How long each step may take.
struct SwapDeadlines {
  std::chrono::milliseconds stage{std::chrono::minutes(10)};
  std::chrono::milliseconds ready{std::chrono::seconds(60)};
  std::chrono::milliseconds suspend{std::chrono::seconds(10)};
};

}  // namespace midair::sidecar
