/// @file
/// One run of midair, from the command line to the exit status.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/terminal_console.h"
#include "config/config.h"
#include "config/settings.h"
#include "host/command_table.h"
#include "host/plugin_host.h"
#include "host/service_registry.h"

namespace midair::host {

/// Puts the parts together: parse, load plugins, read the settings, start plugins, run the command, stop plugins.
class Agent {
 public:
  explicit Agent(std::vector<std::string> args);

  /// The exit status (plugin.h). Called once.
  int run();
  /// True if a plugin hangs in stop(): see PluginHost::abandoned().
  [[nodiscard]] bool abandoned() const { return host_.abandoned(); }

 private:
  /// Plugins are mapped, the settings read and the plugins started: all but running the command.
  Result<void> set_up(const CommandLine& globals);
  int run_command(const CommandLine& globals, TerminalConsole& console);
  /// The command's whole name: of a group's with the word that follows.
  [[nodiscard]] std::string command_name(const CommandLine& globals) const;
  int run_parsed(const CommandSpec& command, const CommandLine& line, TerminalConsole& console);
  Result<void> apply_options(const std::vector<OptionSpec>& options, const CommandLine& line);
  [[nodiscard]] Error unknown_command(const std::string& name) const;

  const std::vector<std::string> args_;
  Interrupt interrupt_;
  SettingTable settings_;
  std::optional<LayeredConfig> config_;  // from set_up() on
  ServiceRegistry services_;
  CommandTable commands_;
  PluginHost host_;
};

}  // namespace midair::host
