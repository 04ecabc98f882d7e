#include <Poco/String.h>

#include "command_table.h"
#include "completion_tables.h"

namespace midair {

namespace {

// Works both as a file `_midair` in fpath and when sourced.
constexpr const char* kScript = R"(#compdef midair
_midair() {
  local -a commands options arguments
  local command i
  commands=(@commands@)
  options=(@global_options@)
  case ${words[CURRENT-1]} in
    @directory_options@) _files -/; return ;;
    @file_options@) _files; return ;;
    @other_options@) return ;;
  esac
  for ((i = 2; i < CURRENT; i++)); do
    case ${words[i]} in
      @value_options@) ((i++)) ;;
      -*) ;;
      *) command=${words[i]}; break ;;
    esac
  done
  case $command in
@cases@  esac
  if [[ ${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif [[ -z $command ]]; then
    _describe command commands
  else
    compadd -a arguments
  fi
}
if [[ ${funcstack[1]} == _midair ]]; then _midair "$@"; else compdef _midair midair; fi
)";

/// An entry of _describe: 'name:description'.
std::string described(const std::string& name, const std::string& description) {
  return shell_quoted(Poco::replace(name, ":", "\\:") + ":" + description);
}

std::string described(const std::vector<OptionSpec>& options) {
  std::string entries;
  for (const auto& option : options)
    entries += (entries.empty() ? "" : " ") + described("--" + option.name, option.help);
  return entries;
}

}  // namespace

std::string zsh_completion(const Commands& commands) {
  std::string entries;
  std::string cases;
  for (const auto* command : commands) {
    entries += (entries.empty() ? "" : " ") + described(command->name, command->summary);
    cases += "    " + command->name + ") options+=(" + described(command->options) + ") arguments=(" +
             argument_words(*command, commands) + ") ;;\n";
  }
  return fill(kScript,
              {{"commands", entries},
               {"directory_options", option_pattern(commands, {ValueKind::directory})},
               {"file_options", option_pattern(commands, {ValueKind::file})},
               {"other_options", option_pattern(commands, {ValueKind::other})},
               {"value_options", option_pattern(commands, {ValueKind::directory, ValueKind::file, ValueKind::other})},
               {"global_options", described(global_options())},
               {"cases", cases}});
}

}  // namespace midair
