/// @file
/// The service behind `midair hot`.
#pragma once

#include <string>
#include <vector>

#include "midair/clock.h"
#include "midair/host/event_bus.h"
#include "midair/host/fleet/machine_directory.h"
#include "midair/host/store_provider.h"
#include "midair/host/upgrade/upgrader.h"
#include "midair/pause.h"

namespace midair::host::hot {

/// Where a publication can be made to fail (fault.h): each names what was just done.
inline const std::vector<std::string> kPublishFaultPoints{"publish.prepared", "publish.locked",  "publish.uploaded",
                                                          "publish.recorded", "publish.swapped", "publish.followed"};

/// The world in which upgrades are made. Everything referenced must outlive the publisher.
struct PublisherWorld {
  StoreProvider& stores;
  MachineDirectory& directory;
  const Clock& clock;
  Pause pause;
  EventBus& events;
};

/// Makes each upgrade an UpgradeRun of its own, so any number may be under way.
class Publisher final : public Upgrader {
 public:
  explicit Publisher(PublisherWorld world) : world_(std::move(world)) {}

  Result<UpgradeSummary> upgrade(const UpgradeRequest& request, const std::stop_token& stop) override;
  Result<UpgradePlan> rehearse(const UpgradeRequest& request, const std::stop_token& stop) override;

 private:
  const PublisherWorld world_;
};

}  // namespace midair::host::hot
