#include "midair/manual/program.h"

namespace midair::manual {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string group_of(const std::string& name) {
  const auto blank = name.find(' ');
  return blank == std::string::npos ? std::string() : name.substr(0, blank);
}

std::string short_name(const std::string& name) { return name.substr(name.find(' ') + 1); }

std::vector<Command> members_of(const std::string& group, const Program& program) {
  auto members = program.commands;
  std::erase_if(members, [&](const Command& command) { return group_of(command.name) != group; });
  return members;
}

std::string synopsis_of(const Option& option) {
  return "--" + option.name + (option.value_name.empty() ? "" : " " + option.value_name);
}

std::string help_of(const Option& option) {
  std::string help = option.help;
  if (!option.values.empty()) help += ": " + joined(option.values);
  if (!option.fallback.empty()) help += " (default: " + option.fallback + ")";
  return option.setting.empty() ? help : help + " [" + option.setting + "]";
}

std::string usage_of(const Command& command, const Program& program) {
  std::string usage = program.name + " " + command.name;
  if (command.is_group) return usage + " COMMAND [OPTIONS] [ARGUMENTS]";
  for (const auto& option : command.options)
    if (option.required) usage += " " + synopsis_of(option);
  usage += " [OPTIONS]";
  return command.arguments.empty() ? usage : usage + " " + command.arguments;
}

std::string general_usage(const Program& program) { return program.name + " [OPTIONS] COMMAND [ARGUMENTS]"; }

}  // namespace midair::manual
