/// @file
/// The subcommands that midair and its plugins contribute.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/plugin.h"
#include "settings.h"

namespace midair {

/// The options that every command understands, before or after its name.
[[nodiscard]] const std::vector<OptionSpec>& global_options();
/// Those that `command` understands: --version has another meaning where a command has an option of that name.
[[nodiscard]] std::vector<OptionSpec> global_options_of(const CommandSpec& command);

/// Subcommands by name, each with the plugin that contributes it. Thread-safe.
class CommandTable {
 public:
  /// Errc::refused if the name is taken; Errc::bug if the specification contradicts itself, the global options or
  /// `settings`.
  Result<void> add(const std::string& owner, CommandSpec command, const SettingTable& settings);
  /// Forgets all commands of `owner`.
  void withdraw(const std::string& owner);
  /// Null if there is none. Valid until its owner withdraws.
  [[nodiscard]] const CommandSpec* find(const std::string& name) const;
  /// In order of their names.
  [[nodiscard]] std::vector<const CommandSpec*> all() const;

 private:
  struct Entry {
    std::string owner;
    CommandSpec command;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace midair
