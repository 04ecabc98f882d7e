#include "completion.h"

#include <functional>

#include "command_table.h"

namespace midair {

namespace {

enum class ValueKind { words, files, directories, anything };

ValueKind value_kind(const OptionSpec& option) {
  if (option.value_name == "DIR") return ValueKind::directories;
  if (option.value_name == "FILE") return ValueKind::files;
  return ValueKind::anything;
}

/// "bash|zsh|fish" -> "bash zsh fish"; empty for synopses in capitals or brackets.
std::string words_of(const std::string& arguments) {
  if (arguments.find_first_not_of("abcdefghijklmnopqrstuvwxyz-|") != arguments.npos) return {};
  std::string words = arguments;
  for (char& c : words)
    if (c == '|') c = ' ';
  return words;
}

std::string names_of(const std::vector<const CommandSpec*>& commands) {
  std::string names;
  for (const auto* command : commands) names += (names.empty() ? "" : " ") + command->name;
  return names;
}

/// The positional words of a command: its alternatives, or all commands for `help`.
std::string argument_words(const CommandSpec& command, const std::string& command_names) {
  return command.arguments == "[COMMAND]" ? command_names : words_of(command.arguments);
}

std::string option_words(const std::vector<OptionSpec>& options) {
  std::string words;
  for (const auto& option : options) words += (words.empty() ? "--" : " --") + option.name;
  return words;
}

/// `text` inside single quotes of a POSIX-like shell.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// "--a|--b|" of all value-taking options that `wanted` accepts, for a shell's case pattern.
std::string value_options(const std::vector<const CommandSpec*>& commands,
                          const std::function<bool(ValueKind)>& wanted) {
  std::string pattern;
  const auto add = [&](const std::vector<OptionSpec>& options) {
    for (const auto& option : options)
      if (option.kind != OptionKind::flag && wanted(value_kind(option)))
        pattern += (pattern.empty() ? "--" : "|--") + option.name;
  };
  add(global_options());
  for (const auto* command : commands) add(command->options);
  return pattern;
}

std::string case_branch(const std::string& pattern, const std::string& action) {
  return pattern.empty() ? "" : "    " + pattern + ") " + action + " ;;\n";
}

std::string bash_script(const std::vector<const CommandSpec*>& commands) {
  const std::string names = names_of(commands);
  std::string per_command;
  for (const auto* command : commands)
    per_command += "    " + command->name + ") options=" + quoted(option_words(command->options)) +
                   " words=" + quoted(argument_words(*command, names)) + " ;;\n";
  const auto is = [](ValueKind kind) { return [kind](ValueKind other) { return other == kind; }; };
  return "# bash completion for midair\n"
         "_midair() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local command='' options='' words=" +
         quoted(names) +
         " i\n"
         "  COMPREPLY=()\n"
         "  case $previous in\n" +
         case_branch(value_options(commands, is(ValueKind::directories)),
                     "mapfile -t COMPREPLY < <(compgen -d -- \"$current\"); return") +
         case_branch(value_options(commands, is(ValueKind::files)),
                     "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return") +
         case_branch(value_options(commands, is(ValueKind::anything)), "return") +
         "  esac\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "    " +
         value_options(commands, [](ValueKind) { return true; }) +
         ") i=$((i + 1)) ;;\n"
         "    -*) ;;\n"
         "    *) command=${COMP_WORDS[i]}; break ;;\n"
         "    esac\n"
         "  done\n"
         "  case $command in\n" +
         per_command +
         "  esac\n"
         "  [[ $current == -* ]] && words=\"$options " +
         option_words(global_options()) +
         "\"\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "}\n"
         "complete -F _midair midair\n";
}

}  // namespace

std::optional<std::string> completion_script(const std::string& shell,
                                             const std::vector<const CommandSpec*>& commands) {
  if (shell == "bash") return bash_script(commands);
  return std::nullopt;
}

}  // namespace midair
