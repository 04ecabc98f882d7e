#include <Poco/String.h>

#include "cli/completion_tables.h"
#include "host/command_table.h"

namespace midair::host {

namespace {

/// `text` in single quotes, as fish reads it: there a backslash escapes.
std::string quoted(const std::string& text) {
  return "'" + Poco::replace(Poco::replace(text, "\\", "\\\\"), "'", "\\'") + "'";
}

/// How fish completes an option's value.
std::string value_of(const OptionSpec& option) {
  switch (value_kind(option)) {
    case ValueKind::none: return "";
    case ValueKind::file: return " -r -F";
    case ValueKind::directory: return " -x -a '(__fish_complete_directories)'";
    case ValueKind::other: return " -x";
  }
  return "";
}

std::string option_lines(const std::vector<OptionSpec>& options, const std::string& condition) {
  std::string lines;
  for (const auto& option : options)
    lines += "complete -c midair" + condition + " -l " + option.name + value_of(option) + " -d " + quoted(option.help) +
             "\n";
  return lines;
}

const std::string kSeen = "__fish_seen_subcommand_from ";

/// The condition that `command` itself may be the next word.
std::string expected(const CommandSpec& command, const Commands& commands) {
  const std::string group = group_of(command.name);
  if (group.empty()) return "__fish_use_subcommand";
  return "'" + kSeen + group + "; and not " + kSeen + command_words(group, commands) + "'";
}

/// The condition that `command` is the one on the command line.
std::string chosen(const CommandSpec& command, const Commands& commands) {
  const std::string group = group_of(command.name);
  if (!group.empty()) return "'" + kSeen + group + "; and " + kSeen + short_name(command.name) + "'";
  const std::string groups = group_words(commands);
  return "'" + kSeen + command.name + (groups.empty() ? "" : "; and not " + kSeen + groups) + "'";
}

}  // namespace

std::string fish_completion(const Commands& commands) {
  std::string script = "# fish completion for midair\ncomplete -c midair -f\n" + option_lines(global_options(), "");
  for (const auto* command : commands) {
    script += "complete -c midair -n " + expected(*command, commands) + " -a " + short_name(command->name) + " -d " +
              quoted(command->summary) + "\n";
    if (is_group(*command)) continue;
    const std::string condition = " -n " + chosen(*command, commands);
    script += option_lines(command->options, condition);
    if (const auto words = argument_words(*command, commands); !words.empty())
      script += "complete -c midair" + condition + " -a " + quoted(words) + "\n";
  }
  return script;
}

}  // namespace midair::host
