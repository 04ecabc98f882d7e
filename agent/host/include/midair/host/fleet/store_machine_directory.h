/// @file
/// The fleet as its machines describe themselves in the store.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "midair/host/fleet/machine_directory.h"
#include "midair/host/fleet/prefix_mirror.h"

namespace midair::host {

/// State of a record that cannot be read; only its machine_id is known.
inline constexpr std::string_view kUnreadableState = "unreadable";
/// State of a machine that was stopped in good order.
inline constexpr std::string_view kStoppedState = "stopped";
/// State of a machine that runs its code for users.
inline constexpr std::string_view kServingState = "serving";

/// Reads `releases/<app>-machines/`: one LIST and one GET per record that changed since the last call. A record that
/// makes no sense becomes one in state kUnreadableState, with a warning in the log: one broken machine must neither
/// hide the others nor be hidden.
class StoreMachineDirectory final : public MachineDirectory {
 public:
  Result<std::vector<MachineRecord>> machines(ObjectStore& store, const std::string& app,
                                              const CallLimits& limits) override;

 private:
  std::mutex mutex_;
  std::map<std::string, PrefixMirror> mirrors_;  ///< by store and app; guarded by mutex_
};

}  // namespace midair::host
