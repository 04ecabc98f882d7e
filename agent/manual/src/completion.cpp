#include "midair/manual/completion.h"

#include <algorithm>
#include <sstream>

#include "completion_tables.h"

namespace midair::manual {

namespace {

/// "ID", "[ID...]" and "ID..." name the same thing: its bare word.
std::string bare(std::string word) {
  std::erase_if(word, [](char c) { return c == '[' || c == ']' || c == '.'; });
  return word;
}

std::vector<std::string> words_of(const std::string& synopsis) {
  std::istringstream text(synopsis);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(bare(word));
  return words;
}

bool has_word(const Command& command, const std::string& word) {
  const auto words = words_of(command.arguments);
  return std::ranges::find(words, word) != words.end();
}

/// What a shell's `case` takes for a pattern that nothing matches, where there is none.
std::string or_nothing(const std::vector<std::string>& patterns) {
  return patterns.empty() ? "''" : joined(patterns, "|");
}

void add_value_options(const std::vector<Option>& options, const std::string& suffix, std::vector<std::string>& names) {
  for (const auto& option : options) {
    const std::string name = "--" + option.name + suffix;
    if (!option.value_name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
}

}  // namespace

ValueKind value_kind(const Option& option) {
  if (option.value_name.empty()) return ValueKind::none;
  if (!option.values.empty()) return ValueKind::listed;
  if (option.value_name == "DIR") return ValueKind::directory;
  if (option.value_name == "FILE") return ValueKind::file;
  return option.value_name == "APP" ? ValueKind::app : ValueKind::other;
}

std::string argument_words(const Command& command, const Program& program) {
  if (command.is_group) return command_words(command.name, program);
  if (has_word(command, "COMMAND") && command.arguments == "[COMMAND]") return command_words("", program);
  std::vector<std::string> alternatives;
  for (const auto& word : words_of(command.arguments))
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-|") == std::string::npos)
      alternatives.push_back(replaced(word, "|", " "));
  return joined(alternatives);
}

std::string argument_lookup(const Command& command) {
  if (has_word(command, "ID")) return "machines";
  return has_word(command, "APP") ? "apps" : "";
}

bool takes_program(const Command& command) { return has_word(command, "PROGRAM"); }

std::string option_words(const std::vector<Option>& options) {
  std::vector<std::string> words;
  words.reserve(options.size());
  for (const auto& option : options) words.push_back("--" + option.name);
  return joined(words);
}

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

std::string value_option_pattern(const Program& program) {
  std::vector<std::string> names;
  add_value_options(program.options, "", names);
  for (const auto& command : program.commands) add_value_options(command.options, "", names);
  return or_nothing(names);
}

std::string context_pattern(const Program& program, const std::string& suffix) {
  std::vector<std::string> names;
  add_value_options(program.options, suffix, names);
  return or_nothing(names);
}

std::string value_cases(const Program& program, std::string (*action)(const Option&)) {
  std::string cases;
  const auto add = [&](const std::string& pattern, const Option& option) {
    if (value_kind(option) != ValueKind::none) cases += "    " + pattern + ") " + action(option) + " ;;\n";
  };
  for (const auto& command : program.commands)
    for (const auto& option : command.options) add(shell_quoted(command.name + " --" + option.name), option);
  for (const auto& option : program.options) add("*" + shell_quoted(" --" + option.name), option);
  return cases;
}

std::string command_words(const std::string& group, const Program& program) {
  std::vector<std::string> words;
  for (const auto& command : members_of(group, program)) words.push_back(short_name(command.name));
  return joined(words);
}

std::string group_words(const Program& program) {
  std::vector<std::string> words;
  for (const auto& command : program.commands)
    if (command.is_group) words.push_back(command.name);
  return joined(words);
}

std::string function_of(const Program& program) { return "_" + replaced(program.name, "-", "_"); }

std::string shell_quoted(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string fill(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values)
    text = replaced(std::move(text), std::string("@").append(name).append("@"), value);
  return text;
}

std::optional<std::string> completion_script(const std::string& shell, const Program& program) {
  if (shell == "bash") return bash_completion(program);
  if (shell == "zsh") return zsh_completion(program);
  if (shell == "fish") return fish_completion(program);
  return std::nullopt;
}

}  // namespace midair::manual
