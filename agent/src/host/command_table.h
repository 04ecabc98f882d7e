/// @file
/// The subcommands that midair and its plugins contribute.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.h"
#include "midair/error.h"
#include "midair/host/plugin.h"
#include "midair/manual/program.h"

namespace midair::host {

/// The options that every command understands, before or after its name.
[[nodiscard]] const std::vector<OptionSpec>& global_options();
/// Those that `command` understands: --version has another meaning where a command has an option of that name.
[[nodiscard]] std::vector<OptionSpec> global_options_of(const CommandSpec& command);

/// True for "machines", false for "machines list".
[[nodiscard]] inline bool is_group(const CommandSpec& command) { return !command.run; }
using manual::group_of;
using manual::short_name;
/// Those of `commands` that are in the group of that name; for the empty one groups and commands of the first level.
[[nodiscard]] std::vector<const CommandSpec*> members_of(const std::string& group,
                                                         const std::vector<const CommandSpec*>& commands);

/// Subcommands by name, each with the plugin that contributes it. Thread-safe.
class CommandTable {
 public:
  /// Errc::refused if the name is taken or its group isn't there; Errc::bug if the specification contradicts itself,
  /// the global options or `settings`.
  Result<void> add(const std::string& owner, CommandSpec command, const SettingTable& settings);
  /// Forgets all commands of `owner`.
  void withdraw(const std::string& owner);
  /// Null if there is none. Valid until its owner withdraws.
  [[nodiscard]] const CommandSpec* find(const std::string& name) const;
  /// In order of their names, groups included.
  [[nodiscard]] std::vector<const CommandSpec*> all() const;

 private:
  struct Entry {
    std::string owner;
    CommandSpec command;
  };

  [[nodiscard]] bool has_group(const std::string& name) const;  // mutex_ is held

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace midair::host
