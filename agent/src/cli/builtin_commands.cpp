#include "cli/builtin_commands.h"

#include <Poco/String.h>

#include "cli/help.h"
#include "cli/known_names.h"
#include "midair/host/command_support.h"
#include "midair/json/json.h"
#include "midair/manual/completion.h"
#include "midair/manual/suggestion.h"
#include "midair/redact.h"

namespace midair::host {

namespace {

Error wrong_argument(const std::string& command, std::string cause) {
  return {Errc::bad_input, "run", "midair " + command, std::move(cause), "midair help " + command};
}

int list_plugins(const PluginHost& host, Console& console) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& plugin : host.plugins()) {
    if (console.json()) {
      Poco::JSON::Object object;
      object.set("name", plugin.name);
      object.set("path", plugin.path);
      object.set("version", plugin.version);
      object.set("state", to_string(plugin.state));
      object.set("reason", plugin.reason);
      console.print_json_line(to_canonical_json(object));
    } else {
      rows.push_back({plugin.name.empty() ? "-" : plugin.name, plugin.version.empty() ? "-" : plugin.version,
                      to_string(plugin.state), plugin.path});
      if (!plugin.reason.empty()) rows.back().back() += ": " + plugin.reason;
    }
  }
  if (!console.json()) console.print(rows.empty() ? "no plugins\n" : columns(rows, 0));
  return kExitOk;
}

/// Secrets as ***, and so the password in an address, where none belongs.
std::string shown_text(const SettingSpec& setting, const std::string& value) {
  if (setting.secret) return "***";
  return value.find("://") == std::string::npos ? value : redact(value);
}

int show_config(const LayeredConfig& config, Invocation& invocation) {
  Console& console = invocation.console();
  if (invocation.arguments() != std::vector<std::string>{"show"}) {
    console.print_error(wrong_argument("config", "say 'midair config show'"), kExitUsage);
    return kExitUsage;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& setting : config.table().all()) {
    const auto value = config.trace(setting.key);
    const std::string shown = value ? shown_text(setting, value->text) : std::string();
    if (console.json()) {
      Poco::JSON::Object object;
      object.set("key", setting.key);
      object.set("value", value ? Poco::Dynamic::Var(shown) : Poco::Dynamic::Var());
      object.set("origin", value ? value->origin : "unset");
      object.set("secret", setting.secret);
      console.print_json_line(to_canonical_json(object));
    } else {
      rows.push_back({setting.key, value ? shown : "-", value ? value->origin : "unset"});
    }
  }
  if (!console.json()) console.print(columns(rows, 0));
  return kExitOk;
}

int wrong_usage(const Invocation& invocation, const Error& error) {
  invocation.console().print_error(error, kExitUsage);
  return kExitUsage;
}

int print_completion(const BuiltinParts& parts, Invocation& invocation) {
  const auto& arguments = invocation.arguments();
  const std::string what = arguments.size() == 1 ? arguments[0] : "";
  if (what == "apps" || what == "machines") return print_known_names(what, parts.store, invocation);
  const auto script = manual::completion_script(what, manual_of(parts.commands.all()));
  if (!script) return wrong_usage(invocation, wrong_argument("completion", "name one shell: bash, zsh or fish"));
  invocation.console().print(*script);
  return kExitOk;
}

Error no_such_command(const std::string& name, const CommandTable& commands) {
  Error error = wrong_argument("help", "there is no command '" + name + "'");
  std::vector<std::string> names;
  for (const auto* command : commands.all()) names.push_back(command->name);
  if (const auto guess = manual::nearest(name, names)) error.hint = "midair help " + *guess;
  return error;
}

int print_man_page(const CommandSpec* command, const CommandTable& commands, Invocation& invocation) {
  if (command != nullptr && !group_of(command->name).empty())
    return wrong_usage(invocation, {Errc::bad_input, "show the page of", "midair " + command->name,
                                    "it is a part of another page", "midair help --man " + group_of(command->name)});
  invocation.console().print(man_page_of(command, commands.all()));
  return kExitOk;
}

int run_help(const CommandTable& commands, Invocation& invocation) {
  const auto& arguments = invocation.arguments();
  const std::string name = Poco::cat(std::string(" "), arguments.begin(), arguments.end());
  const CommandSpec* command = commands.find(name);
  if (!name.empty() && command == nullptr) return wrong_usage(invocation, no_such_command(name, commands));
  if (invocation.flag("man")) return print_man_page(command, commands, invocation);
  print_help(command, commands, invocation.console());
  return kExitOk;
}

}  // namespace

void print_help(const CommandSpec* command, const CommandTable& commands, Console& console) {
  const auto all = commands.all();
  if (!console.json()) return console.print(command != nullptr ? help_of(*command, all) : general_help(all));
  for (const auto* each : all)
    if (command == nullptr || each == command || group_of(each->name) == command->name)
      console.print_json_line(to_canonical_json(*describe(*each)));
}

std::vector<CommandSpec> builtin_commands(const BuiltinParts& parts) {
  return {
      {"plugins",
       "list the plugins",
       "Lists every plugin that was found: name, version, state and path; for a refused one also why.",
       {},
       "",
       {{"midair plugins", "list them"}, {"midair plugins --json", "one JSON object per plugin"}},
       [&host = parts.host](Invocation& invocation) { return list_plugins(host, invocation.console()); }},
      {"config",
       "show the settings and where each comes from",
       "Layers, the first that gives a value wins: command line, environment, midair.yaml, fly.toml, default.\n"
       "Secrets are shown as ***, passwords in addresses too.",
       {},
       "show",
       {{"midair config show", "a table of key, value and origin"},
        {"midair config show --config fly.toml --json", "one JSON object per setting"}},
       [&config = parts.config](Invocation& invocation) { return show_config(config, invocation); }},
      {"completion",
       "print a completion script for a shell",
       "The script knows the commands and options of the plugins that are started now. For names of apps and ids of "
       "machines it asks 'midair completion apps' and 'midair completion machines', which print what the store knows, "
       "and nothing after a second.",
       {},
       "bash|zsh|fish",
       {{"source <(midair completion bash)", "complete in this shell; in ~/.bashrc, in every one"},
        {"midair completion zsh > ~/.zfunc/_midair", "for zsh, with ~/.zfunc in fpath"},
        {"midair completion fish > ~/.config/fish/completions/midair.fish", "for fish"}},
       [parts](Invocation& invocation) { return print_completion(parts, invocation); }},
      {"help",
       "show help for a command",
       "",
       {{"man", OptionKind::flag, "", "a manual page, for man(1): midair's own, or a command's"}},
       "[COMMAND]",
       {{"midair help config", "what 'midair config' does, with examples"},
        {"midair help --man config | man -l -", "the same as a manual page"}},
       [&commands = parts.commands](Invocation& invocation) { return run_help(commands, invocation); }},
  };
}

bool works_without_config(const CommandSpec& command) {
  return command.name == "plugins" || command.name == "completion" || command.name == "help";
}

}  // namespace midair::host
