#include "swap/strategies/strategies.h"

#include <array>

#include "midair/release/manifest.h"
#include "swap/strategies/handover/handover.h"
#include "swap/strategies/in_place/in_place.h"

namespace midair::sidecar {

namespace {

template <class Made>
std::unique_ptr<Strategy> make(const StrategyParts& parts) {
  return std::make_unique<Made>(parts);
}

std::string always(const StrategyParts&) { return {}; }

constexpr std::array kStrategies{
    StrategyPlug{kHandover, always, make<Handover>},
    StrategyPlug{kInPlace, InPlace::why_not, make<InPlace>},
};

}  // namespace

std::span<const StrategyPlug> strategies() { return kStrategies; }

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  names.reserve(kStrategies.size());
  for (const StrategyPlug& plug : kStrategies) names.emplace_back(plug.name);
  return names;
}

}  // namespace midair::sidecar
