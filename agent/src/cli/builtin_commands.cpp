#include "cli/builtin_commands.h"

#include <Poco/String.h>

#include "cli/completion.h"
#include "cli/help.h"
#include "midair/host/command_support.h"
#include "midair/json/json.h"
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
    console.print_error(wrong_argument("config", "say 'midair config show'"));
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

int print_completion(const CommandTable& commands, Invocation& invocation) {
  const auto& arguments = invocation.arguments();
  const auto script = arguments.size() == 1 ? completion_script(arguments[0], commands.all()) : std::nullopt;
  if (!script) {
    invocation.console().print_error(wrong_argument("completion", "name one shell: bash, zsh or fish"));
    return kExitUsage;
  }
  invocation.console().print(*script);
  return kExitOk;
}

int run_help(const CommandTable& commands, Invocation& invocation) {
  const auto& arguments = invocation.arguments();
  const std::string name = Poco::cat(std::string(" "), arguments.begin(), arguments.end());
  const CommandSpec* command = commands.find(name);
  if (!name.empty() && command == nullptr) {
    invocation.console().print_error(wrong_argument("help", "there is no command '" + name + "'"));
    return kExitUsage;
  }
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
       "The script knows the commands and options of the plugins that are started now.",
       {},
       "bash|zsh|fish",
       {{"source <(midair completion bash)", "complete in this shell; in ~/.bashrc, in every one"},
        {"midair completion zsh > ~/.zfunc/_midair", "for zsh, with ~/.zfunc in fpath"},
        {"midair completion fish > ~/.config/fish/completions/midair.fish", "for fish"}},
       [&commands = parts.commands](Invocation& invocation) { return print_completion(commands, invocation); }},
      {"help",
       "show help for a command",
       "",
       {},
       "[COMMAND]",
       {{"midair help config", "what 'midair config' does, with examples"}},
       [&commands = parts.commands](Invocation& invocation) { return run_help(commands, invocation); }},
  };
}

bool works_without_config(const CommandSpec& command) {
  return command.name == "plugins" || command.name == "completion" || command.name == "help";
}

}  // namespace midair::host
