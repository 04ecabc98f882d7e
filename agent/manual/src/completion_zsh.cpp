#include "completion_tables.h"

namespace midair::manual {

namespace {

// Works both as a file `_midair` in fpath and when sourced.
constexpr const char* kScript = R"script(#compdef @program@
@function@() {
  local -a commands options arguments context
  local command named value program lookup i
  local current=${words[CURRENT]} previous=${words[CURRENT-1]}
  commands=(@commands@)
  options=(@global_options@)
  if [[ $current == --*=* ]]; then previous=${current%%=*} current=${current#*=}; compset -P '*='; fi
  for ((i = 2; i < CURRENT; i++)); do
    case ${words[i]} in
      @context_options@) ((i + 1 < CURRENT)) && context+=(${words[i]} ${(Q)words[i+1]}); ((i++)) ;;
      @context_assignments@) context+=(${(Q)words[i]}) ;;
      @value_options@) ((i++)) ;;
      --) previous=--; break ;;
      -*) ;;
      *) [[ -n $named ]] && continue
         command+=${command:+ }${words[i]}
         [[ " @groups@ " == *" $command "* ]] || named=1 ;;
    esac
  done
  case $command in
    '') ;;
@cases@    *) commands=() ;;
  esac
  if [[ $previous == -- ]]; then
    [[ -n $program ]] && { shift $i words; ((CURRENT -= i)); _normal }
    return
  fi
  case "$command $previous" in
@value_cases@  esac
  if [[ -z $value && $current == -* ]]; then
    _describe -o option options
  elif [[ -z $value ]] && (( $#commands )); then
    _describe command commands
  else
    [[ -n $lookup ]] && arguments+=(${(f)"$(@program@ completion $lookup $context 2>/dev/null)"})
    compadd -a arguments
  fi
}
if [[ ${funcstack[1]} == @function@ ]]; then @function@ "$@"; else compdef @function@ @program@; fi
)script";

/// An entry of _describe: 'name:description'.
std::string described(const std::string& name, const std::string& description) {
  return shell_quoted(replaced(name, ":", "\\:") + ":" + description);
}

/// Those of the commands in `group`.
std::string described(const std::string& group, const Program& program) {
  std::vector<std::string> entries;
  for (const auto& command : members_of(group, program))
    entries.push_back(described(short_name(command.name), command.summary));
  return joined(entries);
}

std::string described(const std::vector<Option>& options) {
  std::vector<std::string> entries;
  entries.reserve(options.size());
  for (const auto& option : options) entries.push_back(described("--" + option.name, option.help));
  return joined(entries);
}

std::string action(const Option& option) {
  switch (value_kind(option)) {
    case ValueKind::directory: return "_files -/; return";
    case ValueKind::file: return "_files; return";
    case ValueKind::app: return "value=1 lookup=apps arguments=()";
    case ValueKind::listed: return "value=1 lookup= arguments=(" + joined(option.values) + ")";
    default: return "return";
  }
}

}  // namespace

std::string zsh_completion(const Program& program) {
  std::string cases;
  for (const auto& command : program.commands) {
    const std::string followers = command.is_group ? described(command.name, program) : std::string();
    cases += "    " + shell_quoted(command.name) + ") commands=(" + followers + ") options+=(" +
             described(command.options) + ") arguments=(" + argument_words(command, program) +
             ") lookup=" + argument_lookup(command) + " program=" + (takes_program(command) ? "1" : "") + " ;;\n";
  }
  return fill(kScript, {{"commands", described("", program)},
                        {"groups", group_words(program)},
                        {"context_options", context_pattern(program, "")},
                        {"context_assignments", context_pattern(program, "=*")},
                        {"value_options", value_option_pattern(program)},
                        {"global_options", described(program.options)},
                        {"value_cases", value_cases(program, action)},
                        {"cases", cases},
                        {"function", function_of(program)},
                        {"program", program.name}});
}

}  // namespace midair::manual
