#include "cli/completion.h"

#include <Poco/String.h>

#include <algorithm>

#include "cli/completion_tables.h"
#include "host/command_table.h"

namespace midair::host {

ValueKind value_kind(const OptionSpec& option) {
  if (option.kind == OptionKind::flag) return ValueKind::none;
  if (option.value_name == "DIR") return ValueKind::directory;
  if (option.value_name == "FILE") return ValueKind::file;
  return ValueKind::other;
}

std::string argument_words(const CommandSpec& command, const Commands& commands) {
  const std::string& synopsis = command.arguments;
  if (is_group(command)) return command_words(command.name, commands);
  if (synopsis == "[COMMAND]") return command_words("", commands);
  const bool is_placeholder = synopsis.find_first_not_of("abcdefghijklmnopqrstuvwxyz-|") != synopsis.npos;
  return is_placeholder ? std::string() : Poco::translate(synopsis, "|", " ");
}

std::string option_words(const std::vector<OptionSpec>& options) {
  std::string words;
  for (const auto& option : options) words += (words.empty() ? "--" : " --") + option.name;
  return words;
}

std::string option_pattern(const Commands& commands, const std::vector<ValueKind>& kinds) {
  std::string pattern;
  const auto add = [&](const std::vector<OptionSpec>& options) {
    for (const auto& option : options)
      if (std::find(kinds.begin(), kinds.end(), value_kind(option)) != kinds.end())
        pattern += (pattern.empty() ? "--" : "|--") + option.name;
  };
  add(global_options());
  for (const auto* command : commands) add(command->options);
  return pattern;
}

std::string command_words(const std::string& group, const Commands& commands) {
  std::string words;
  for (const auto* command : members_of(group, commands))
    words += (words.empty() ? "" : " ") + short_name(command->name);
  return words;
}

std::string group_words(const Commands& commands) {
  std::string words;
  for (const auto* command : commands)
    if (is_group(*command)) words += (words.empty() ? "" : " ") + command->name;
  return words;
}

std::string shell_quoted(const std::string& text) { return "'" + Poco::replace(text, "'", "'\\''") + "'"; }

std::string fill(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values) Poco::replaceInPlace(text, "@" + name + "@", value);
  return text;
}

std::optional<std::string> completion_script(const std::string& shell, const Commands& commands) {
  if (shell == "bash") return bash_completion(commands);
  if (shell == "zsh") return zsh_completion(commands);
  if (shell == "fish") return fish_completion(commands);
  return std::nullopt;
}

}  // namespace midair::host
