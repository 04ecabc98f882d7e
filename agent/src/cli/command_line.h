/// @file
/// From argv to a command with its options. CLI11 stays behind this header.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/command_table.h"
#include "midair/error.h"

namespace midair::host {

/// What stands on a command line.
struct CommandLine {
  std::string command;  ///< empty if none is named; after the first pass its first word
  std::map<std::string, std::vector<std::string>> texts;  ///< by option name: the values given, in order
  std::set<std::string> flags;                            ///< names of the flags given
  /// Positional ones after the command's name. After the first pass: all that follows it and isn't global.
  std::vector<std::string> arguments;

  [[nodiscard]] bool flag(const std::string& name) const { return flags.contains(name); }
  /// The value given, if any.
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
};

/// First pass, before any plugin is loaded: the global options and the command's name. What belongs to the command
/// isn't looked at. Errc::bad_input for a global option without its value.
[[nodiscard]] Result<CommandLine> parse_global_options(const std::vector<std::string>& args);

/// Second pass: everything, by the options of `command`. Errc::bad_input, with the nearest name as its hint, for
/// unknown options, missing or surplus values, values of the wrong kind and surplus arguments.
[[nodiscard]] Result<CommandLine> parse_command_line(const std::vector<std::string>& args, const CommandSpec& command);

}  // namespace midair::host
