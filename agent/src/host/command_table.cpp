#include "host/command_table.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

namespace midair::host {

namespace {

/// The one global option that a command may use for something else.
constexpr std::string_view kShadowable = "version";

bool is_word(std::string_view name) {
  return !name.empty() && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == name.npos;
}

/// The first contradiction in `command`, if any.
std::optional<std::string> contradiction(const CommandSpec& command, const SettingTable& settings) {
  const std::string group = group_of(command.name);
  if (!is_word(short_name(command.name)) || (!group.empty() && !is_word(group)))
    return "a command's name is one or two words of lower-case letters, digits and '-'";
  if (is_group(command) && !(group.empty() && command.options.empty() && command.arguments.empty()))
    return "it has nothing to run, and is no group either";
  std::set<std::string> taken;
  for (const auto& option : global_options())
    if (option.name != kShadowable) taken.insert(option.name);
  for (const auto& option : command.options) {
    if (!is_word(option.name)) return "'" + option.name + "' is no name for an option";
    if (!taken.insert(option.name).second) return "the option --" + option.name + " is there already";
    const SettingSpec* setting = settings.find(option.config_key);
    if (!option.config_key.empty() && (setting == nullptr || setting->kind != option.kind))
      return "no setting '" + option.config_key + "' of the same kind as --" + option.name + " is declared";
    if (!option.fallback.empty() && !check_value(option.kind, option.fallback).ok())
      return "the default of --" + option.name + " is no value of its kind";
    if (!option.values.empty() && option.kind != OptionKind::text)
      return "--" + option.name + " lists values, but is no text";
  }
  return std::nullopt;
}

}  // namespace

const std::vector<OptionSpec>& global_options() {
  static const std::vector<OptionSpec> options{
      {"app", OptionKind::text, "APP", "the app's name on Fly.io", "app"},
      {"store", OptionKind::text, "ADDR", "object store: s3://BUCKET[/PREFIX] or file:///DIR", "store"},
      {"config", OptionKind::text, "FILE", "read this midair.yaml or fly.toml"},
      {"json", OptionKind::flag, "", "print JSON, one value per line"},
      {"log-level",
       OptionKind::text,
       "LEVEL",
       "how much is logged",
       "log_level",
       {},
       false,
       {"error", "warning", "notice", "info", "debug"}},
      {"no-color", OptionKind::flag, "", "no colours"},
      {"plugin-dir", OptionKind::text, "DIR", "look for plugins here first; may be repeated", {}, {}, false, {}, true},
      {"help", OptionKind::flag, "", "show help"},
      {"version", OptionKind::flag, "", "show the version"},
  };
  return options;
}

std::vector<const CommandSpec*> members_of(const std::string& group, const std::vector<const CommandSpec*>& commands) {
  auto members = commands;
  std::erase_if(members, [&](const CommandSpec* command) { return group_of(command->name) != group; });
  return members;
}

std::vector<OptionSpec> global_options_of(const CommandSpec& command) {
  auto options = global_options();
  std::erase_if(options, [&](const OptionSpec& global) {
    return std::any_of(command.options.begin(), command.options.end(),
                       [&](const OptionSpec& own) { return own.name == global.name; });
  });
  return options;
}

Result<void> CommandTable::add(const std::string& owner, CommandSpec command, const SettingTable& settings) {
  const std::string name = command.name;
  if (const auto problem = contradiction(command, settings)) return Error{Errc::bug, "add the command", name, *problem};
  const std::scoped_lock lock(mutex_);
  if (const std::string group = group_of(name); !group.empty() && !has_group(group))
    return Error{Errc::refused, "add the command", name, "there is no group '" + group + "'"};
  const auto [entry, is_new] = entries_.try_emplace(name, Entry{owner, std::move(command)});
  if (is_new) return {};
  return Error{Errc::refused, "add the command", name, "'" + entry->second.owner + "' has a command of that name"};
}

bool CommandTable::has_group(const std::string& name) const {
  const auto entry = entries_.find(name);
  return entry != entries_.end() && is_group(entry->second.command);
}

void CommandTable::withdraw(const std::string& owner) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.owner == owner; });
}

const CommandSpec* CommandTable::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : &entry->second.command;
}

std::vector<const CommandSpec*> CommandTable::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<const CommandSpec*> commands;
  for (const auto& [name, entry] : entries_) commands.push_back(&entry.command);
  return commands;
}

}  // namespace midair::host
