#include "completion_tables.h"

namespace midair::manual {

namespace {

// `line` are the words as they were typed: bash cuts them at = and :.
constexpr const char* kScript = R"script(# bash completion for @program@
@function@() {
  local current previous= command= named= value= program= options= words=@commands@ lookup= word i last
  local -a line=() context=()
  COMPREPLY=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 0)) && [[ $word == [=:]* || ${COMP_WORDS[i-1]} == *[=:] ]]; then line[-1]+=$word; else line+=("$word"); fi
  done
  last=$((${#line[@]} - 1)) current=${line[-1]}
  ((last > 0)) && previous=${line[last-1]}
  [[ $current == --*=* ]] && previous=${current%%=*} current=${current#*=}
  for ((i = 1; i < last; i++)); do
    word=${line[i]}
    case $word in
      @context_options@) ((i + 1 < last)) && context+=("$word" "${line[i+1]}"); ((i++)) ;;
      @context_assignments@) context+=("$word") ;;
      @value_options@) ((i++)) ;;
      --) previous=--; break ;;
      -*) ;;
      *) [[ -n $named ]] && continue
         command+=${command:+ }$word
         [[ " @groups@ " == *" $command "* ]] || named=1 ;;
    esac
  done
  case $command in
@cases@  esac
  if [[ $previous == -- ]]; then
    [[ -n $program ]] || return
    options=-f; ((i + 1 == last)) && options=-cf  # the app; what follows are its arguments
    compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen $options -- "$current"); return
  fi
  case "$command $previous" in
@value_cases@  esac
  [[ -z $value && $current == -* ]] && words="$options @global_options@" lookup=
  [[ -n $lookup ]] && words+=" $(@program@ completion "$lookup" "${context[@]}" 2>/dev/null)"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F @function@ @program@
)script";

std::string action(const Option& option) {
  constexpr const char* kFiles =
      "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen @ -- \"$current\"); return";
  switch (value_kind(option)) {
    case ValueKind::directory: return replaced(kFiles, "@", "-d");
    case ValueKind::file: return replaced(kFiles, "@", "-f");
    case ValueKind::app: return "value=1 words= lookup=apps";
    case ValueKind::listed: return "value=1 words=" + shell_quoted(joined(option.values)) + " lookup=";
    default: return "return";
  }
}

}  // namespace

std::string bash_completion(const Program& program) {
  std::string cases;
  for (const auto& command : program.commands)
    cases += "    " + shell_quoted(command.name) + ") options=" + shell_quoted(option_words(command.options)) +
             " words=" + shell_quoted(argument_words(command, program)) + " lookup=" + argument_lookup(command) +
             " program=" + (takes_program(command) ? "1" : "") + " ;;\n";
  return fill(kScript, {{"commands", shell_quoted(command_words("", program))},
                        {"groups", group_words(program)},
                        {"context_options", context_pattern(program, "")},
                        {"context_assignments", context_pattern(program, "=*")},
                        {"value_options", value_option_pattern(program)},
                        {"global_options", option_words(program.options)},
                        {"value_cases", value_cases(program, action)},
                        {"cases", cases},
                        {"function", function_of(program)},
                        {"program", program.name}});
}

}  // namespace midair::manual
