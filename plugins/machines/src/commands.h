/// @file
/// The subcommands that this plugin contributes.
#pragma once

#include <memory>
#include <vector>

#include "midair/host/machines_api.h"
#include "midair/host/plugin.h"

namespace midair::host::machines {

/// What the commands work with.
struct Provider {
  std::shared_ptr<MachinesApiProvider> api;
  std::string lease_nonce;  ///< shown with every change; empty: none
};

/// `midair machines ...`; the group comes first, here and below.
[[nodiscard]] std::vector<CommandSpec> machines_commands(const Provider& provider);
/// `midair machines start|stop|...`: what is done to machines.
[[nodiscard]] std::vector<CommandSpec> machine_action_commands(const Provider& provider);
/// `midair machines create|update|exec`.
[[nodiscard]] std::vector<CommandSpec> machine_change_commands(const Provider& provider);
/// `midair machines lease|metadata`.
[[nodiscard]] std::vector<CommandSpec> machine_detail_commands(const Provider& provider);
/// `midair apps ...`
[[nodiscard]] std::vector<CommandSpec> apps_commands(const Provider& provider);
/// `midair volumes ...`
[[nodiscard]] std::vector<CommandSpec> volumes_commands(const Provider& provider);
/// `midair secrets ...`
[[nodiscard]] std::vector<CommandSpec> secrets_commands(const Provider& provider);

}  // namespace midair::host::machines
