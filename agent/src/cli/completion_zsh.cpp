#include <Poco/String.h>

#include "cli/completion_tables.h"
#include "host/command_table.h"

namespace midair::host {

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
      *) command+=${command:+ }${words[i]}
         [[ " @groups@ " == *" $command "* ]] || break ;;
    esac
  done
  case $command in
    '') ;;
@cases@    *) commands=() ;;
  esac
  if [[ ${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif (( $#commands )); then
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

/// Those of the commands in `group`.
std::string described(const std::string& group, const Commands& commands) {
  std::string entries;
  for (const auto* command : members_of(group, commands))
    entries += (entries.empty() ? "" : " ") + described(short_name(command->name), command->summary);
  return entries;
}

std::string described(const std::vector<OptionSpec>& options) {
  std::string entries;
  for (const auto& option : options)
    entries += (entries.empty() ? "" : " ") + described("--" + option.name, option.help);
  return entries;
}

}  // namespace

std::string zsh_completion(const Commands& commands) {
  std::string cases;
  for (const auto* command : commands) {
    const std::string followers = is_group(*command) ? described(command->name, commands) : std::string();
    cases += "    " + shell_quoted(command->name) + ") commands=(" + followers + ") options+=(" +
             described(command->options) + ") arguments=(" + argument_words(*command, commands) + ") ;;\n";
  }
  return fill(kScript,
              {{"commands", described("", commands)},
               {"groups", group_words(commands)},
               {"directory_options", option_pattern(commands, {ValueKind::directory})},
               {"file_options", option_pattern(commands, {ValueKind::file})},
               {"other_options", option_pattern(commands, {ValueKind::other})},
               {"value_options", option_pattern(commands, {ValueKind::directory, ValueKind::file, ValueKind::other})},
               {"global_options", described(global_options())},
               {"cases", cases}});
}

}  // namespace midair::host
