/// @file
/// Every strategy that this sidecar knows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "swap/strategy_plug.h"

namespace midair::sidecar {

/// The table. The first can always be taken, and is at boot.
[[nodiscard]] std::span<const StrategyPlug> strategies();

/// Their names.
[[nodiscard]] std::vector<std::string> strategy_names();

}  // namespace midair::sidecar
