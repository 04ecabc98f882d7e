/// @file
/// The commands that midair has without any plugin: plugins, config, completion, help.
#pragma once

#include <vector>

#include "config/config.h"
#include "host/command_table.h"
#include "host/plugin_host.h"
#include "midair/host/store_provider.h"

namespace midair::host {

/// What the built-in commands report on. All must outlive the commands.
struct BuiltinParts {
  const PluginHost& host;
  const LayeredConfig& config;
  const CommandTable& commands;
  StoreProvider& store;
};

[[nodiscard]] std::vector<CommandSpec> builtin_commands(const BuiltinParts& parts);

/// Prints the help of `command`, or general help if it is null.
void print_help(const CommandSpec* command, const CommandTable& commands, Console& console);

/// True for those that must work while the configuration doesn't.
[[nodiscard]] bool works_without_config(const CommandSpec& command);

}  // namespace midair::host
