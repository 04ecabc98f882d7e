#include "options.h"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <iostream>

#include "command_table.h"
#include "complaint.h"
#include "hooks/hook_message.h"
#include "midair/durable_file.h"
#include "midair/duration.h"
#include "midair/fault.h"
#include "midair/manual/help.h"
#include "midair/manual/suggestion.h"
#include "midair/release/layout.h"
#include "process/stop_signal.h"
#include "raw_options.h"
#include "state/state_dir.h"
#include "swap/swap_machine.h"

namespace midair::sidecar {

namespace {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::string environment_or(const std::string& name, const std::string& fallback) {
  return environment(name).value_or(fallback);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// Needs the working directory where `path` is relative, and that may be gone.
Result<std::filesystem::path> absolute_path(const std::filesystem::path& path) {
  std::error_code failure;
  auto whole = std::filesystem::absolute(path, failure);
  if (failure)
    return Error{Errc::not_found, "use the working directory", "", failure.message(), "name absolute paths, or cd"};
  return whole;
}

Result<Identity> identity_of(const RawOptions& raw) {
  Identity identity;
  identity.app = raw.text("app").empty() ? environment_or("FLY_APP_NAME", "") : raw.text("app");
  identity.machine_id = environment_or("FLY_MACHINE_ID", host_name());
  identity.region = environment_or("FLY_REGION", "local");
  identity.process_group = environment_or("FLY_PROCESS_GROUP", "");
  identity.base_image_ref = environment_or("FLY_IMAGE_REF", "local");
  if (identity.app.empty())
    return Error{Errc::bad_input, "tell which app this is", "", "no name is given",
                 "set FLY_APP_NAME, or give --app NAME"};
  MIDAIR_TRY(check_app_name(identity.app));
  MIDAIR_TRY(check_machine_id(identity.machine_id));
  return identity;
}

Result<bool> read_switch(const RawOptions& raw, const std::string& name) {
  const std::string text = raw.text(name);
  if (text == "on" || text == "off") return text == "on";
  return Error{Errc::bad_input, "use --" + name, "'" + text + "'", "it is on or off"};
}

/// "UID:GID", or nothing.
Result<std::optional<ReleaseOwner>> release_owner(const std::string& text) {
  if (text.empty()) return std::optional<ReleaseOwner>();
  ReleaseOwner owner;
  const char* const end = text.data() + text.size();
  const auto uid = std::from_chars(text.data(), end, owner.uid);
  const bool has_gid = uid.ec == std::errc() && uid.ptr != end && *uid.ptr == ':';
  const auto gid = has_gid ? std::from_chars(uid.ptr + 1, end, owner.gid) : uid;
  const auto bad = [&text](const std::string& cause, const std::string& hint) {
    return Error{Errc::bad_input, "use --release-owner", "'" + text + "'", cause, hint};
  };
  if (!has_gid || gid.ec != std::errc() || gid.ptr != end)
    return bad("it must be two numbers with a colon between", "--release-owner 1000:1000");
  if (::geteuid() != 0 && owner != ReleaseOwner{::geteuid(), ::getegid()})
    return bad("only root can give files away", "run the sidecar as root, or as that user without this option");
  return std::optional(owner);
}

/// How old processes come to their end.
Result<void> read_drain(const RawOptions& raw, RunOptions& options) {
  MIDAIR_TRY_ASSIGN(options.keep_warm, read_switch(raw, "keep-warm"));
  MIDAIR_TRY_ASSIGN(options.stop_signal, parse_stop_signal(raw.text("stop-signal")));
  if (const std::string text = raw.text("close-idle"); text != "never") {
    MIDAIR_TRY_ASSIGN(options.close_idle, parse_duration(text));
  }
  const std::string most = raw.text("max-draining");
  const auto [stop, error] = std::from_chars(most.data(), most.data() + most.size(), options.max_draining);
  if (error != std::errc() || stop != most.data() + most.size() || options.max_draining == 0)
    return Error{Errc::bad_input, "use --max-draining", "'" + most + "'", "it is not a number from 1 on",
                 "--max-draining 8"};
  return {};
}

Result<void> check_headers(const std::vector<std::string>& headers) {
  for (const std::string& header : headers) {
    const auto colon = header.find(": ");
    if (colon == std::string::npos || colon == 0 || header.find_first_of("\r\n") != std::string::npos)
      return Error{Errc::bad_input, "use the header", "'" + header + "'", "it must be NAME: VALUE, on one line",
                   "--ready-header 'X-Forwarded-Proto: https'"};
  }
  return {};
}

Result<ReadyCheck> ready_check(const RawOptions& raw, SocketMode mode) {
  ReadyCheck check;
  MIDAIR_TRY_ASSIGN(check.alive_for, parse_duration(raw.text("ready-after")));
  check.path = raw.text("ready-http");
  check.host = raw.text("ready-host");
  check.headers = raw.all("ready-header");
  MIDAIR_TRY(check_headers(check.headers));
  const bool asks = !check.path.empty() || raw.flag("ready-tcp");
  if (asks) check.kind = check.path.empty() ? ReadyCheck::Kind::tcp : ReadyCheck::Kind::http;
  if (check.kind != ReadyCheck::Kind::http && (!check.host.empty() || !check.headers.empty()))
    return Error{Errc::bad_input, "use --ready-host or --ready-header", "", "they are of what --ready-http asks",
                 "give --ready-http PATH"};
  if (asks && mode == SocketMode::off)
    return Error{Errc::bad_input, "probe the app", "", "with --sockets off nobody knows where it listens",
                 "--sockets adopt, or --listen HOST:PORT"};
  if (check.path.empty()) return check;
  if (check.path.front() != '/' || check.path.find_first_of(" \r\n") != std::string::npos)
    return Error{Errc::bad_input, "use the path", "'" + check.path + "'", "it must start with '/' and have no spaces",
                 "--ready-http /healthz"};
  if (check.host.find_first_of(" \r\n") != std::string::npos)
    return Error{Errc::bad_input, "use the host", "'" + check.host + "'", "it must have no spaces",
                 "--ready-host example.com"};
  return check;
}

Result<void> read_ports(const RawOptions& raw, RunOptions& options) {
  for (const std::string& text : raw.all("port")) {
    const auto bad = [&text](std::string cause) {
      return Error{Errc::bad_input, "use the port", "'" + text + "'", std::move(cause), "--port 8080"};
    };
    std::uint16_t port = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || stop != text.data() + text.size() || port == 0)
      return bad("it is not a number from 1 to 65535");
    if (std::find(options.ports.begin(), options.ports.end(), port) != options.ports.end())
      return bad("it is named twice");
    options.ports.push_back(port);
  }
  if (!options.ports.empty() && options.sockets != SocketMode::adopt)
    return Error{Errc::bad_input, "use --port", "", "it names ports to adopt, and sockets are not adopted",
                 "leave --port or --listen out"};
  return {};
}

Result<void> read_unix_paths(const RawOptions& raw, RunOptions& options) {
  for (const std::string& text : raw.all("unix")) {
    const auto bad = [&text](std::string cause) {
      return Error{Errc::bad_input, "use the Unix socket", "'" + text + "'", std::move(cause),
                   "--unix /run/app/app.sock"};
    };
    const std::filesystem::path path(text);
    if (!path.is_absolute() || !path.has_filename() || path.lexically_normal() != path)
      return bad("it is not an absolute path without '.' and '..'");
    if (text.size() > UnixSockets::kMaxPath)
      return bad("it is longer than " + std::to_string(UnixSockets::kMaxPath) +
                 " bytes, which leaves no room for a second name");
    if (std::find(options.unix_paths.begin(), options.unix_paths.end(), text) != options.unix_paths.end())
      return bad("it is named twice");
    options.unix_paths.push_back(text);
  }
  if (!options.unix_paths.empty() && options.sockets != SocketMode::adopt)
    return Error{Errc::bad_input, "use --unix", "", "it names sockets to adopt, and sockets are not adopted",
                 "leave --unix or --listen out"};
  return {};
}

/// How the app comes to its sockets, and which.
Result<void> read_sockets(const RawOptions& raw, RunOptions& options) {
  const std::string mode = raw.text("sockets");
  const auto bad = [&mode](std::string cause, std::string hint) {
    return Error{Errc::bad_input, "use --sockets", mode, std::move(cause), std::move(hint)};
  };
  options.sockets_demanded = !mode.empty();
  if (mode == "pass" || (mode.empty() && !options.listen.empty())) {
    options.sockets = SocketMode::pass;
  } else if (mode == "off") {
    options.sockets = SocketMode::off;
  } else if (!mode.empty() && mode != "adopt") {
    return bad("there is no such mode", "adopt, pass or off");
  }
  if (options.sockets == SocketMode::pass && options.listen.empty())
    return bad("it passes on what --listen names", "--listen HOST:PORT");
  if (options.sockets != SocketMode::pass && !options.listen.empty())
    return bad("sockets of --listen are passed on", "leave one of the two out");
  MIDAIR_TRY(read_ports(raw, options));
  return read_unix_paths(raw, options);
}

Result<std::vector<ListenSpec>> listen_specs(const RawOptions& raw) {
  std::vector<ListenSpec> specs;
  for (const std::string& text : raw.all("listen")) {
    MIDAIR_TRY_ASSIGN(ListenSpec spec, parse_listen_spec(text));
    specs.push_back(std::move(spec));
  }
  return specs;
}

Result<void> read_durations(const RawOptions& raw, RunOptions& options) {
  const std::pair<const char*, std::chrono::milliseconds RunOptions::*> durations[] = {
      {"poll-interval", &RunOptions::poll_interval}, {"boot-timeout", &RunOptions::boot_timeout},
      {"ready-timeout", &RunOptions::ready_timeout}, {"suspend-timeout", &RunOptions::suspend_timeout},
      {"probation", &RunOptions::probation},         {"drain-timeout", &RunOptions::drain_timeout},
      {"watchdog", &RunOptions::watchdog},
  };
  for (const auto& [name, member] : durations) {
    MIDAIR_TRY_ASSIGN(options.*member, parse_duration(raw.text(name)));
  }
  if (options.poll_interval < std::chrono::milliseconds(10))
    return Error{Errc::bad_input, "use the poll interval", raw.text("poll-interval"), "the least is 10ms"};
  if (options.suspend_timeout < std::chrono::milliseconds(100))
    return Error{Errc::bad_input, "use the suspend timeout", raw.text("suspend-timeout"), "the least is 100ms"};
  return {};
}

/// Where the sidecar that is asked may listen: a disk that takes no socket makes it choose another place.
std::vector<std::filesystem::path> control_sockets(const RawOptions& raw) {
  if (!raw.text("control").empty()) return {raw.text("control")};
  const std::filesystem::path state_dir = raw.text("state-dir");
  std::vector<std::filesystem::path> sockets{state_dir / "control.sock"};
  std::error_code gone;
  const auto whole = std::filesystem::absolute(state_dir, gone).lexically_normal();
  if (gone) return sockets;
  for (const auto& place : StateDir::stand_ins(whole)) sockets.push_back(place / "control.sock");
  return sockets;
}

/// Of `run`: everything is looked at, so that a mistake shows at once.
Result<RunOptions> checked(const RawOptions& raw) {
  namespace fs = std::filesystem;
  RunOptions options;
  MIDAIR_TRY(check_fault_setting(swap_fault_points()));
  LogLevel level{};
  if (!parse_log_level(raw.text("log-level"), level))
    return Error{Errc::bad_input, "use the log level", "'" + raw.text("log-level") + "'", "there is no such level",
                 "error, warning, notice, info or debug"};
  set_log_level(level);
  LogFormat format{};
  if (!parse_log_format(raw.text("log-format"), format))
    return Error{Errc::bad_input, "use the log format", "'" + raw.text("log-format") + "'", "there is no such format",
                 "text or json"};
  set_log_format(format);
  MIDAIR_TRY_ASSIGN(options.identity, identity_of(raw));
  options.store = store_settings_from_env(environment);
  if (!raw.text("store").empty()) options.store.address = raw.text("store");
  MIDAIR_TRY_ASSIGN(options.state_dir, absolute_path(raw.text("state-dir")));
  MIDAIR_TRY_ASSIGN(const fs::path base, absolute_path(raw.text("base-dir").empty() ? "." : raw.text("base-dir")));
  options.base_dir = base.lexically_normal();
  MIDAIR_TRY_ASSIGN(options.release_owner, release_owner(raw.text("release-owner")));
  if (!raw.text("control").empty()) {
    MIDAIR_TRY_ASSIGN(options.control, absolute_path(raw.text("control")));
  }
  MIDAIR_TRY_ASSIGN(options.listen, listen_specs(raw));
  MIDAIR_TRY(read_sockets(raw, options));
  MIDAIR_TRY_ASSIGN(options.ready, ready_check(raw, options.sockets));
  MIDAIR_TRY(read_drain(raw, options));
  MIDAIR_TRY(read_durations(raw, options));
  MIDAIR_TRY_ASSIGN(options.writable, WritablePlaces::make(raw.all("writable"), raw.all("writable-fresh")));
  if (!raw.text("hooks").empty()) {
    MIDAIR_TRY_ASSIGN(options.hooks, absolute_path(raw.text("hooks")));
    MIDAIR_TRY(read_file(options.hooks, kMaxHookScript));
  }
  options.label_output = raw.flag("label-output");
  options.command = raw.arguments;
  return options;
}

bool wants_json(const Args& args) {
  return std::find(args.begin(), end_of_options(args), "--json") != end_of_options(args);
}

Error unknown_command(const std::string& name) {
  Args names;
  for (const auto& command : command_table().commands) names.push_back(command.name);
  const auto guess = manual::nearest(name, names);
  return {Errc::bad_input, "run", "midair-sidecar " + name,
          name.empty() ? "no command is named" : "there is no such command",
          guess ? "midair-sidecar " + *guess : "midair-sidecar --help"};
}

[[noreturn]] void end_with(const std::string& text) {
  std::cout << text << std::flush;
  std::exit(std::cout.good() ? EX_OK : EX_IOERR);
}

void list_faults() {
  std::string lines;
  for (const std::string& point : swap_fault_points()) lines += point + "\n";
  end_with(lines);
}

/// The options of `command`, or the end of this process with help or a usage error.
RawOptions parse_or_end(const manual::Command& command, const Args& args, const Complaint& complaint) {
  auto raw = parse_options(command, args);
  const bool asks_help =
      std::any_of(args.begin(), end_of_options(args), [](const auto& arg) { return arg == "--help" || arg == "-h"; });
  if (asks_help) end_with(manual::command_help(command, command_table()));
  if (!raw) complaint.end(raw.error(), EX_USAGE);
  if (raw->flag("version")) end_with("midair-sidecar " MIDAIR_BUILD_VERSION "\n");
  if (raw->flag("list-faults")) list_faults();
  if (raw->arguments.empty() && command.arguments.starts_with("--"))
    complaint.end({Errc::bad_input, "run", "midair-sidecar " + command.name, "no program is named",
                   "midair-sidecar help " + command.name},
                  EX_USAGE);
  return *std::move(raw);
}

template <class T>
T value_or_end(Result<T> result, const Complaint& complaint) {
  if (!result) complaint.end(result.error(), EX_CONFIG);
  return std::move(result).value();
}

Invocation invocation_of(const std::string& command, const RawOptions& raw, const Complaint& complaint) {
  Invocation invocation;
  invocation.json = raw.flag("json");
  if (command == "run") {
    invocation.run = value_or_end(checked(raw), complaint);
  } else if (command == "protocol-check") {
    invocation.verb = Invocation::Verb::protocol_check;
    invocation.check = {raw.arguments, value_or_end(listen_specs(raw), complaint), raw.text("only"), invocation.json};
  } else if (command == "help" || command == "completion") {
    invocation.verb = command == "help" ? Invocation::Verb::help : Invocation::Verb::completion;
    invocation.man = raw.flag("man");
    invocation.arguments = raw.arguments;
  } else {
    invocation.verb = command == "status" ? Invocation::Verb::status : Invocation::Verb::poll_now;
    invocation.control = control_sockets(raw);
  }
  return invocation;
}

}  // namespace

Invocation parse_command_line(int argc, char** argv) {
  Args args(argv + 1, argv + argc);
  Invocation invocation;
  invocation.verb = Invocation::Verb::hook_worker;
  if (args == Args{"hook-worker"}) return invocation;  // for our own use: the process in which a hook runs
  const Complaint complaint(wants_json(args));
  const std::string name = args.empty() ? "" : args.front();
  if (name == "--help" || name == "-h") end_with(manual::general_help(command_table()));
  if (name == "--version") end_with("midair-sidecar " MIDAIR_BUILD_VERSION "\n");
  const manual::Command* command = find_command(name);
  if (command == nullptr) complaint.end(unknown_command(name), EX_USAGE);
  args.erase(args.begin());
  return invocation_of(name, parse_or_end(*command, args, complaint), complaint);
}

}  // namespace midair::sidecar
