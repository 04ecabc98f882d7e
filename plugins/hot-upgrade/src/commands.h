/// @file
/// The subcommands that this plugin contributes.
#pragma once

#include <memory>
#include <string>

#include "midair/host/command_support.h"
#include "midair/host/event_bus.h"
#include "midair/host/fleet/machine_directory.h"
#include "midair/host/plugin.h"
#include "midair/host/store_provider.h"
#include "midair/host/upgrade/upgrader.h"

namespace midair::host::hot {

/// What the commands work on.
struct CommandTools {
  std::shared_ptr<StoreProvider> stores;
  std::shared_ptr<MachineDirectory> directory;
  std::shared_ptr<Upgrader> upgrader;
  std::shared_ptr<EventBus> events;
};

/// fail() for an error of StoreProvider::store(), where bad input means a wrong setting.
[[nodiscard]] int fail_without_store(const Invocation& invocation, const Error& error);

/// `midair hot`
[[nodiscard]] CommandSpec hot_command(CommandTools tools);
/// `midair rollback`
[[nodiscard]] CommandSpec rollback_command(CommandTools tools);
/// `midair status`
[[nodiscard]] CommandSpec status_command(CommandTools tools);
/// `midair faults`, only in a build with fault points: lists those of a publication.
[[nodiscard]] CommandSpec faults_command();

}  // namespace midair::host::hot
