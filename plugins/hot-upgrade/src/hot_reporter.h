/// @file
/// What `midair hot` tells while it works.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "midair/host/fleet/fleet_plan.h"
#include "midair/host/fleet/follower.h"
#include "local_release.h"
#include "midair/release/pointer.h"

namespace midair::host::hot {

/// How long each step took.
struct StepTimes {
  std::chrono::nanoseconds pack{}, lock{}, upload{}, publish{}, follow{}, total{};
};

/// What a publication would do.
struct HotPlan {
  UploadOutcome upload = UploadOutcome::uploaded;  ///< whether the tarball has to be uploaded
  std::string tarball_key;
  std::uint64_t sequence = 0;
};

/// How a publication went.
struct HotSummary {
  HotUpgrade upgrade;
  std::string upgrade_id;
  std::vector<MachineOutcome> machines;
  bool interrupted = false;  ///< the user stopped watching; the machines go on
  StepTimes times;

  [[nodiscard]] std::size_t count(Outcome outcome) const;
  /// True if every machine that was followed runs the upgrade.
  [[nodiscard]] bool everywhere() const { return count(Outcome::upgraded) == machines.size(); }
};

/// Hears of each step as it is done; never fails. Called on one thread.
class HotReporter {
 public:
  virtual ~HotReporter() = default;
  virtual void packed(const LocalRelease& release, std::chrono::nanoseconds took) = 0;
  virtual void fleet(const FleetPlan& plan) = 0;
  virtual void planned(const HotPlan& plan) = 0;  ///< --dry-run: nothing comes after this
  virtual void locked(std::uint64_t fence, std::chrono::nanoseconds took) = 0;
  virtual void uploaded(const std::string& key, UploadOutcome outcome, std::chrono::nanoseconds took) = 0;
  virtual void published(const HotUpgrade& upgrade, const std::string& upgrade_id, std::chrono::nanoseconds took) = 0;
  virtual void result(const UpgradeResult& result) = 0;
  virtual void summary(const HotSummary& summary) = 0;
  /// Something unusual that the user should know.
  virtual void notice(const std::string& text) = 0;
  /// What is being waited for right now; replaced by the next.
  virtual void progress(const std::string& text) = 0;
};

}  // namespace midair::host::hot
