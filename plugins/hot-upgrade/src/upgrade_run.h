/// @file
/// One upgrade, step by step: pack (or choose), look, lock, upload, publish, follow, clean up.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "local_release.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/host/publish/publication.h"
#include "midair/store/object_store.h"
#include "publisher.h"

namespace midair::host::hot {

/// Good for one call of either verb.
class UpgradeRun {
 public:
  /// What is referenced must outlive the run.
  UpgradeRun(const PublisherWorld& world, const UpgradeRequest& request, std::stop_token stop)
      : world_(world), request_(request), stop_(std::move(stop)) {}

  /// See Upgrader.
  Result<UpgradeSummary> upgrade();
  Result<UpgradePlan> rehearse();

 private:
  struct Prepared;
  /// Packs, then opens the store and looks at the fleet: what can't be packed makes no store.
  Result<Prepared> prepare(StoreUse use);
  Result<void> pack(Prepared& prepared);
  Result<void> choose(Prepared& prepared);
  Result<void> look(Prepared& prepared);
  Result<std::unique_ptr<DeployLock>> take_lock(const Prepared& prepared);
  Result<HotUpgrade> upload_and_publish(const Prepared& prepared, DeployLock& lock);
  /// What is there already stays as it is.
  Result<void> upload(const Prepared& prepared);
  /// Whether the release that the pointer names now is committed on some machine.
  [[nodiscard]] Result<Predecessor> judge_predecessor(const Prepared& prepared, const PublishedState& state) const;
  void follow(const Prepared& prepared, UpgradeSummary& summary);
  /// No machine took it: marks it as refused where all failed, and finds out what machines run that start now.
  void look_ahead(const Prepared& prepared, DeployLock& lock, UpgradeSummary& summary);
  void clean_up(const Prepared& prepared, const DeployLock& lock);

  [[nodiscard]] CallLimits limits() const { return {.stop = stop_}; }
  void tell(UpgradeEvent event) const { world_.events.publish_value(topic_of(request_), std::move(event)); }

  const PublisherWorld& world_;
  const UpgradeRequest& request_;
  const std::stop_token stop_;
  std::shared_ptr<ObjectStore> store_;  ///< from prepare() on
  StepTimes times_;
};

}  // namespace midair::host::hot
