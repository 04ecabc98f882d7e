#include <Poco/String.h>

#include "command_table.h"
#include "completion_tables.h"

namespace midair {

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

}  // namespace

std::string fish_completion(const Commands& commands) {
  std::string script = "# fish completion for midair\ncomplete -c midair -f\n" + option_lines(global_options(), "");
  for (const auto* command : commands) {
    const std::string chosen = " -n '__fish_seen_subcommand_from " + command->name + "'";
    script += "complete -c midair -n __fish_use_subcommand -a " + command->name + " -d " + quoted(command->summary) +
              "\n" + option_lines(command->options, chosen);
    if (const auto words = argument_words(*command, commands); !words.empty())
      script += "complete -c midair" + chosen + " -a " + quoted(words) + "\n";
  }
  return script;
}

}  // namespace midair
