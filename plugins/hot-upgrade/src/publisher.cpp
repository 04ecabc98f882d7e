#include "publisher.h"

#include "upgrade_run.h"

namespace midair::host::hot {

Result<UpgradeSummary> Publisher::upgrade(const UpgradeRequest& request, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const auto store, world_.stores.store(StoreUse::write));
  return UpgradeRun(world_, *store, request, stop).upgrade();
}

Result<UpgradePlan> Publisher::rehearse(const UpgradeRequest& request, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const auto store, world_.stores.store(StoreUse::read));
  return UpgradeRun(world_, *store, request, stop).rehearse();
}

}  // namespace midair::host::hot
