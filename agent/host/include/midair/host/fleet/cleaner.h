/// @file
/// Removing what nobody needs any more.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "midair/clock.h"
#include "midair/host/fleet/machine_directory.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/host/publish/published_state.h"
#include "midair/release/layout.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// Results of so many upgrades are kept.
inline constexpr std::size_t kKeptUpgrades = 5;
/// No tarball younger than this is removed: somebody may be about to publish it.
inline constexpr std::chrono::hours kMinTarballAge{1};

/// Everything that decides what may go.
struct CleanupInput {
  StoreLayout layout;
  std::vector<ObjectInfo> objects;  ///< everything below layout.tarball_prefix()
  PublishedState published;
  std::vector<FleetMachine> machines;
  WallTime now{};
};

/// The keys to remove: results of upgrades that the last kRecentPublications of the history name, beyond the last
/// kKeptUpgrades; and tarballs that neither the pointer (its last good release included), nor those publications, nor
/// any machine refers to, FlyDeploy's blue-green ones excepted. Where something that may refer to tarballs can't be
/// read, no tarball goes; objects of apps whose name begins with this one's never do.
[[nodiscard]] std::vector<std::string> plan_cleanup(const ObjectStore& store, const CleanupInput& input);

/// Reads, plans and removes, for half a minute at most; the rest is left for the next time. Returns how many objects
/// were removed. Does nothing once `lock` is not held.
[[nodiscard]] Result<std::size_t> clean_up(ObjectStore& store, MachineDirectory& directory, const Clock& clock,
                                           const DeployLock& lock, const StoreLayout& layout,
                                           const std::stop_token& stop);

}  // namespace midair::host
