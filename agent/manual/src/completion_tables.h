/// @file
/// What the completion scripts of all shells are made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "midair/manual/program.h"

namespace midair::manual {

/// What is offered for an option's value.
enum class ValueKind { none, file, directory, app, listed, other };

/// By what the option's table says: its `values`, else its value_name.
[[nodiscard]] ValueKind value_kind(const Option& option);

/// The words that may follow a command: a group's commands, of "bash|zsh" the alternatives, for "[COMMAND]" all
/// commands of the first level, else none.
[[nodiscard]] std::string argument_words(const Command& command, const Program& program);
/// What the program is asked for where an argument stands: "machines", "apps" or nothing.
[[nodiscard]] std::string argument_lookup(const Command& command);
/// True where a command with its own arguments follows.
[[nodiscard]] bool takes_program(const Command& command);

/// "--app --store".
[[nodiscard]] std::string option_words(const std::vector<Option>& options);
/// Separated by blanks.
[[nodiscard]] std::string joined(const std::vector<std::string>& words, const std::string& separator = " ");

/// A `case` pattern "--config|--from" of all options of all commands that take a value.
[[nodiscard]] std::string value_option_pattern(const Program& program);
/// The same of the global ones, with `suffix` after each: "--app=*|--store=*" for "=*".
[[nodiscard]] std::string context_pattern(const Program& program, const std::string& suffix);
/// Lines `'hot --from'|*' --config') ACTION ;;` for each kind of value, with the action that `action` gives for it; the
/// text before is COMMAND, a blank and the option. The global ones come last: a command may use a name for another
/// thing.
[[nodiscard]] std::string value_cases(const Program& program, std::string (*action)(const Option&));

/// The short names of the commands in `group` (the empty one: of the first level), separated by blanks.
[[nodiscard]] std::string command_words(const std::string& group, const Program& program);
/// The names of the groups, separated by blanks.
[[nodiscard]] std::string group_words(const Program& program);

/// The name of a shell function for the program: "_midair_sidecar".
[[nodiscard]] std::string function_of(const Program& program);
/// `text` in single quotes, as bash and zsh read it.
[[nodiscard]] std::string shell_quoted(const std::string& text);
/// `text` with every `from` replaced.
[[nodiscard]] std::string replaced(std::string text, const std::string& from, const std::string& to);
/// `text` with every "@name@" of `values` replaced.
[[nodiscard]] std::string fill(std::string text, const std::vector<std::pair<std::string, std::string>>& values);

[[nodiscard]] std::string bash_completion(const Program& program);
[[nodiscard]] std::string zsh_completion(const Program& program);
[[nodiscard]] std::string fish_completion(const Program& program);

}  // namespace midair::manual
