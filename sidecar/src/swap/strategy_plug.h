/// @file
/// A strategy as the choice knows it, and what strategies are made of.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
#include "swap/fallback.h"
#include "swap/probation.h"
#include "swap/serving.h"
#include "swap/state_transfer.h"
#include "swap/strategy.h"
#include "swap/swap_deadlines.h"

namespace midair::sidecar {

/// What strategies are made of. All must outlive the strategy.
struct StrategyParts {
  EventLoop& loop;
  Supervisor& supervisor;
  Serving& serving;
  StateTransfer& transfer;
  Probation& probation;
  Fallback& fallback;
  ReadyCheck ready{};
  SwapDeadlines deadlines{};
  bool keep_warm = true;  ///< whether the old process may stay until the new one is committed
};

/// One way to swap.
struct StrategyPlug {
  std::string_view name;  ///< as manifests and pointers say it
  /// Why what serves now can't be swapped this way; empty if it can.
  std::string (*why_not)(const StrategyParts& parts);
  std::unique_ptr<Strategy> (*make)(const StrategyParts& parts);
};

}  // namespace midair::sidecar
