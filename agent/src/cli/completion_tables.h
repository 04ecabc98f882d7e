/// @file
/// What the completion scripts of all shells are made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "midair/host/plugin.h"

namespace midair::host {

using Commands = std::vector<const CommandSpec*>;

/// What follows an option or stands in its place.
enum class ValueKind { none, file, directory, other };

/// By the option's value_name: DIR and FILE are completed by the shell.
[[nodiscard]] ValueKind value_kind(const OptionSpec& option);

/// The words that may follow a command: a group's commands, of "bash|zsh" the alternatives, for "[COMMAND]" all
/// commands of the first level, else none.
[[nodiscard]] std::string argument_words(const CommandSpec& command, const Commands& commands);

/// "--app --store".
[[nodiscard]] std::string option_words(const std::vector<OptionSpec>& options);

/// A `case` pattern "--config|--from" of all options of all commands whose value is of one of `kinds`.
[[nodiscard]] std::string option_pattern(const Commands& commands, const std::vector<ValueKind>& kinds);

/// The short names of the commands in `group` (the empty one: of the first level), separated by blanks.
[[nodiscard]] std::string command_words(const std::string& group, const Commands& commands);

/// The names of the groups, separated by blanks.
[[nodiscard]] std::string group_words(const Commands& commands);

/// `text` in single quotes, as bash and zsh read it.
[[nodiscard]] std::string shell_quoted(const std::string& text);

/// `text` with every "@name@" of `values` replaced.
[[nodiscard]] std::string fill(std::string text, const std::vector<std::pair<std::string, std::string>>& values);

[[nodiscard]] std::string bash_completion(const Commands& commands);
[[nodiscard]] std::string zsh_completion(const Commands& commands);
[[nodiscard]] std::string fish_completion(const Commands& commands);

}  // namespace midair::host
