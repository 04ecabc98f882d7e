/// @file
/// The fleet as its machines describe themselves in the store.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "midair/host/fleet/machine_directory.h"
#include "midair/host/fleet/prefix_mirror.h"

namespace midair::host {

/// Reads `releases/<app>-machines/`: one LIST and one GET per record that changed since the last call. A record that
/// makes no sense becomes one that is FleetState::unreadable, with a warning in the log: one broken machine must
/// neither hide the others nor be hidden.
class StoreMachineDirectory final : public MachineDirectory {
 public:
  Result<std::vector<FleetMachine>> machines(ObjectStore& store, const std::string& app,
                                             const CallLimits& limits) override;

 private:
  std::mutex mutex_;
  std::map<std::string, PrefixMirror> mirrors_;  ///< by store and app; guarded by mutex_
};

}  // namespace midair::host
