#include "completion_tables.h"

namespace midair::manual {

namespace {

// The global options of the line, for whom the program asks.
constexpr const char* kContext = R"(function _@function@_context
    set -l words (commandline -opc)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case @options@
                test $i -lt (count $words); and string join \n -- $words[$i] $words[(math $i + 1)]
            case @assignments@
                echo -- $words[$i]
        end
    end
end
)";

/// `text` in single quotes, as fish reads it: there a backslash escapes.
std::string quoted(const std::string& text) { return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'"; }

/// What makes fish ask the program.
std::string asked(const std::string& lookup, const Program& program) {
  return "'(" + program.name + " completion " + lookup + " (_" + function_of(program) + "_context) 2>/dev/null)'";
}

/// How fish completes an option's value.
std::string value_of(const Option& option, const Program& program) {
  switch (value_kind(option)) {
    case ValueKind::none: return "";
    case ValueKind::file: return " -r -F";
    case ValueKind::directory: return " -x -a '(__fish_complete_directories)'";
    case ValueKind::app: return " -x -a " + asked("apps", program);
    case ValueKind::listed: return " -x -a " + quoted(joined(option.values));
    case ValueKind::other: return " -x";
  }
  return "";
}

std::string complete(const Program& program) { return "complete -c " + program.name; }

std::string option_lines(const std::vector<Option>& options, const std::string& condition, const Program& program) {
  std::string lines;
  for (const auto& option : options)
    lines += complete(program) + condition + " -l " + option.name + value_of(option, program) + " -d " +
             quoted(option.help) + "\n";
  return lines;
}

const std::string kSeen = "__fish_seen_subcommand_from ";

/// The condition that `command` itself may be the next word.
std::string expected(const Command& command, const Program& program) {
  const std::string group = group_of(command.name);
  if (group.empty()) return "__fish_use_subcommand";
  return "'" + kSeen + group + "; and not " + kSeen + command_words(group, program) + "'";
}

/// The condition that `command` is the one on the command line.
std::string chosen(const Command& command, const Program& program) {
  const std::string group = group_of(command.name);
  if (!group.empty()) return kSeen + group + "; and " + kSeen + short_name(command.name);
  const std::string groups = group_words(program);
  return kSeen + command.name + (groups.empty() ? "" : "; and not " + kSeen + groups);
}

/// What may follow `command`.
std::string argument_lines(const Command& command, const Program& program) {
  const std::string start = complete(program) + " -n '" + chosen(command, program);
  std::string lines;
  if (const auto words = argument_words(command, program); !words.empty())
    lines += start + "' -a " + quoted(words) + "\n";
  if (const auto lookup = argument_lookup(command); !lookup.empty())
    lines += start + "' -a " + asked(lookup, program) + "\n";
  if (takes_program(command))
    lines += start + "; and contains -- -- (commandline -opc)' -F\n" + start +
             "; and test (commandline -opc)[-1] = --' -a '(__fish_complete_command)'\n";
  return lines;
}

std::string context_function(const Program& program) {
  return fill(kContext, {{"function", function_of(program)},
                         {"options", replaced(context_pattern(program, ""), "|", " ")},
                         {"assignments", replaced(quoted(context_pattern(program, "=*")), "|", "' '")}});
}

}  // namespace

std::string fish_completion(const Program& program) {
  std::string script = "# fish completion for " + program.name + "\n" + context_function(program) + complete(program) +
                       " -f\n" + option_lines(program.options, "", program);
  for (const auto& command : program.commands) {
    script += complete(program) + " -n " + expected(command, program) + " -a " + short_name(command.name) + " -d " +
              quoted(command.summary) + "\n";
    if (command.is_group) continue;
    script += option_lines(command.options, " -n '" + chosen(command, program) + "'", program);
    script += argument_lines(command, program);
  }
  return script;
}

}  // namespace midair::manual
