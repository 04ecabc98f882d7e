#include "agent.h"

#include <Poco/StringTokenizer.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <memory>
#include <utility>

#include "cli/builtin_commands.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/quiet_stderr.h"
#include "host/configured_store.h"
#include "midair/durable_file.h"
#include "midair/host/event_bus.h"
#include "midair/log.h"
#include "midair/manual/suggestion.h"

namespace midair::host {

namespace fs = std::filesystem;

namespace {

const std::string kHostName = "midair";

int usage_error(TerminalConsole& console, const Error& error, const std::string& usage) {
  console.print_usage_error(error, usage);
  return kExitUsage;
}

/// Whether errors are wanted as JSON, known even of a command line that isn't understood.
bool asks_for_json(const std::vector<std::string>& args) {
  const auto end = std::ranges::find(args, "--");
  return std::find(args.begin(), end, "--json") != end;
}

void print_version(Console& console) {
  if (console.json()) {
    console.print_json_line(R"({"name":"midair","plugin_abi":)" + std::to_string(kPluginAbi) +
                            R"(,"version":")" MIDAIR_BUILD_VERSION R"("})");
  } else {
    console.print("midair " MIDAIR_BUILD_VERSION "\n");
  }
}

/// A command whose output went nowhere must not look successful.
int final_status(int status, TerminalConsole& console) {
  const int lost = console.lost_errno();
  if (lost == 0) return status;
  if (lost == EPIPE) return status == kExitOk || status == kExitInterrupted ? 128 + SIGPIPE : status;
  console.print_error(system_error(lost, "write", "standard output"));
  return kExitIo;
}

/// Where plugins are: --plugin-dir, MIDAIR_PLUGIN_PATH (like PATH), and the place beside this executable's.
PluginPlaces plugin_places(const CommandLine& globals) {
  PluginPlaces places;
  if (const auto given = globals.texts.find("plugin-dir"); given != globals.texts.end())
    places.named.assign(given->second.begin(), given->second.end());
  const Poco::StringTokenizer path(process_environment("MIDAIR_PLUGIN_PATH").value_or(""), ":",
                                   Poco::StringTokenizer::TOK_IGNORE_EMPTY);
  places.named.insert(places.named.end(), path.begin(), path.end());
  std::error_code failure;
  places.standard = fs::read_symlink("/proc/self/exe", failure).parent_path() / "../lib/midair/plugins";
  places.standard = places.standard.lexically_normal();
  return places;
}

/// While plugins come and go for `completion`: a shell would show their warnings in the midst of what is being typed.
std::unique_ptr<QuietStderr> quiet_for(const CommandLine& globals) {
  return globals.command == "completion" ? std::make_unique<QuietStderr>() : nullptr;
}

}  // namespace

Agent::Agent(std::vector<std::string> args) : args_(std::move(args)), host_({services_, commands_, settings_}) {}

int Agent::run() {
  const auto globals = parse_global_options(args_);
  const bool plain = globals.ok() && globals->flag("no-color");
  TerminalConsole console({asks_for_json(args_), !plain}, [this] { interrupt_.request_stop(); });
  if (!globals.ok()) return usage_error(console, globals.error(), general_usage());
  if (globals->flag("version") && globals->command.empty()) {
    print_version(console);
    return final_status(kExitOk, console);
  }
  if (const auto ready = set_up(*globals); !ready.ok()) return usage_error(console, ready.error(), general_usage());
  const int status = run_command(*globals, console);
  const auto quiet = quiet_for(*globals);
  host_.stop();
  return final_status(status, console);
}

Result<void> Agent::set_up(const CommandLine& globals) {
  const auto quiet = quiet_for(globals);
  host_.load(plugin_places(globals));
  const auto named = globals.text("config");
  config_.emplace(settings_, process_environment,
                  read_config_files(named ? named : process_environment("MIDAIR_CONFIG")));
  MIDAIR_TRY(apply_options(global_options(), globals));
  if (LogLevel level{}; parse_log_level(config_->get("log_level").value_or(""), level)) set_log_level(level);

  const auto store = std::make_shared<ConfiguredStore>(*config_);
  MIDAIR_TRY(services_.add(kHostName, typeid(StoreProvider), "store", store));
  for (auto& command : builtin_commands({host_, *config_, commands_, *store}))  // services_ outlives them
    MIDAIR_TRY(commands_.add(kHostName, std::move(command), settings_));
  MIDAIR_TRY(services_.add(kHostName, typeid(EventBus), "events", std::make_shared<InProcessEventBus>()));
  host_.start(*config_, services_.names_of(kHostName));
  for (const auto& plugin : host_.plugins())
    if (plugin.state == PluginState::refused)
      log(LogLevel::warning, "plugin.refused", {{"path", plugin.path}, {"reason", plugin.reason}});
  return {};
}

int Agent::run_command(const CommandLine& globals, TerminalConsole& console) {
  const std::string name = command_name(globals);
  const CommandSpec* command = commands_.find(name);
  if (command == nullptr && !name.empty()) return usage_error(console, unknown_command(name), general_usage());
  const bool incomplete = command == nullptr || is_group(*command);
  if (incomplete || globals.flag("help")) {
    print_help(command, commands_, console);
    return globals.flag("help") ? kExitOk : kExitUsage;
  }
  const auto line = parse_command_line(args_, *command);
  if (!line.ok()) return usage_error(console, line.error(), usage_of(*command));
  if (line->flag("version")) {
    print_version(console);
    return kExitOk;
  }
  if (const auto applied = apply_options(command->options, *line); !applied.ok())
    return usage_error(console, applied.error(), usage_of(*command));
  return run_parsed(*command, *line, console);
}

std::string Agent::command_name(const CommandLine& globals) const {
  const CommandSpec* named = commands_.find(globals.command);
  const bool goes_on = named != nullptr && is_group(*named) && !globals.arguments.empty();
  return goes_on ? globals.command + " " + globals.arguments.front() : globals.command;
}

int Agent::run_parsed(const CommandSpec& command, const CommandLine& line, TerminalConsole& console) {
  if (!config_->problems().empty() && !works_without_config(command)) {
    for (const auto& problem : config_->problems()) console.print_error(problem, kExitConfig);
    return kExitConfig;
  }
  ParsedInvocation invocation(command, line, *config_, console, interrupt_.token());
  if (const auto complete = invocation.check_required(); !complete.ok())
    return usage_error(console, complete.error(), usage_of(command));
  try {
    return command.run(invocation);
  } catch (const std::exception& failure) {
    console.print_error({Errc::bug, "run", "midair " + command.name, failure.what(), "report this as a bug of midair"});
    return kExitBug;
  }
}

Result<void> Agent::apply_options(const std::vector<OptionSpec>& options, const CommandLine& line) {
  for (const auto& option : options) {
    if (option.config_key.empty()) continue;
    if (const auto text = line.text(option.name))
      MIDAIR_TRY(config_->set_from_command_line(option.config_key, "--" + option.name, *text));
    if (line.flag(option.name))
      MIDAIR_TRY(config_->set_from_command_line(option.config_key, "--" + option.name, "true"));
  }
  return {};
}

Error Agent::unknown_command(const std::string& name) const {
  Error error{Errc::bad_input, "run", "midair " + name, "there is no such command"};
  for (const auto& plugin : host_.plugins())
    if (plugin.state == PluginState::refused)
      error.cause += "; the plugin " + (plugin.name.empty() ? plugin.path : plugin.name) +
                     ", which might provide it, was refused: " + plugin.reason;
  const std::string group = group_of(name);
  const std::string prefix = group.empty() ? "midair " : "midair " + group + " ";
  std::vector<std::string> names;
  for (const auto* command : members_of(group, commands_.all())) names.push_back(short_name(command->name));
  const auto guess = manual::nearest(short_name(name), names);
  error.hint = guess ? prefix + *guess : prefix + "--help lists all commands";
  return error;
}

}  // namespace midair::host
