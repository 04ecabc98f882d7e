#include "publisher.h"

#include "upgrade_run.h"

namespace midair::host::hot {

Result<UpgradeSummary> Publisher::upgrade(const UpgradeRequest& request, const std::stop_token& stop) {
  return UpgradeRun(world_, request, stop).upgrade();
}

Result<UpgradePlan> Publisher::rehearse(const UpgradeRequest& request, const std::stop_token& stop) {
  return UpgradeRun(world_, request, stop).rehearse();
}

}  // namespace midair::host::hot
