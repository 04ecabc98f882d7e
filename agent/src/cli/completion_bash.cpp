#include "cli/completion_tables.h"
#include "host/command_table.h"

namespace midair::host {

namespace {

constexpr const char* kScript = R"(# bash completion for midair
_midair() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command= options= words=@commands@ i
  COMPREPLY=()
  case $previous in
    @directory_options@) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    @file_options@) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    @other_options@) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      @value_options@) ((i++)) ;;
      -*) ;;
      *) command+=${command:+ }${COMP_WORDS[i]}
         [[ " @groups@ " == *" $command "* ]] || break ;;
    esac
  done
  case $command in
@cases@  esac
  [[ $current == -* ]] && words="$options @global_options@"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _midair midair
)";

}  // namespace

std::string bash_completion(const Commands& commands) {
  std::string cases;
  for (const auto* command : commands)
    cases += "    " + shell_quoted(command->name) + ") options=" + shell_quoted(option_words(command->options)) +
             " words=" + shell_quoted(argument_words(*command, commands)) + " ;;\n";
  return fill(kScript,
              {{"commands", shell_quoted(command_words("", commands))},
               {"groups", group_words(commands)},
               {"directory_options", option_pattern(commands, {ValueKind::directory})},
               {"file_options", option_pattern(commands, {ValueKind::file})},
               {"other_options", option_pattern(commands, {ValueKind::other})},
               {"value_options", option_pattern(commands, {ValueKind::directory, ValueKind::file, ValueKind::other})},
               {"global_options", option_words(global_options())},
               {"cases", cases}});
}

}  // namespace midair::host
