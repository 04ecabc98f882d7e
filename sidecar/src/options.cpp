#include "options.h"

#include <sysexits.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <iostream>

#include "hooks/hook_message.h"
#include "midair/durable_file.h"
#include "midair/duration.h"
#include "midair/fault.h"
#include "midair/release/layout.h"
#include "swap/swap_machine.h"

namespace midair::sidecar {

namespace {

constexpr const char* kDefaultStateDir = "/var/lib/midair";

/// The texts as given; converted and checked when all are known.
struct RawOptions {
  std::string app, store, base_dir, state_dir = kDefaultStateDir, control, ready_http, hooks, log_level = "info";
  std::string poll_interval = "1s", boot_timeout = "10s", ready_timeout = "60s", suspend_timeout = "10s",
              probation = "10s", drain_timeout = "30s", watchdog = "30s";
  std::vector<std::string> listen, command;
  bool ready_tcp = false;
};

[[noreturn]] void die(int status, const Error& error) {
  std::cerr << "midair-sidecar: " << error.message() << '\n';
  if (!error.hint.empty()) std::cerr << "Try: " << error.hint << '\n';
  std::exit(status);
}

template <class T>
T or_die(Result<T> result) {
  if (!result) die(EX_CONFIG, result.error());
  return std::move(result).value();
}

void or_die(const Result<void>& result) {
  if (!result) die(EX_CONFIG, result.error());
}

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

void declare_run(CLI::App& run, RawOptions& raw) {
  run.add_option("--app", raw.app, "Name of the app [FLY_APP_NAME]")->envname("MIDAIR_APP");
  run.add_option("--store", raw.store, "s3://BUCKET[/PREFIX] or file:///DIR [BUCKET_NAME, AWS_BUCKET]")
      ->envname("MIDAIR_STORE");
  run.add_option("--listen", raw.listen,
                 "[NAME=]HOST:PORT to listen on and pass on as LISTEN_FDS; repeatable, or comma-separated")
      ->envname("MIDAIR_LISTEN")
      ->delimiter(',');
  run.add_option("--base-dir", raw.base_dir, "Directory of the app in the image [the working directory]")
      ->envname("MIDAIR_BASE_DIR");
  run.add_option("--state-dir", raw.state_dir, "Where releases and records are kept")
      ->envname("MIDAIR_STATE_DIR")
      ->capture_default_str();
  run.add_option("--control", raw.control, "Control socket [STATE_DIR/control.sock]")->envname("MIDAIR_CONTROL");
  run.add_option("--ready-http", raw.ready_http,
                 "Ready and healthy is a 2xx or 3xx answer to GET PATH, instead of READY=1 on NOTIFY_SOCKET")
      ->envname("MIDAIR_READY_HTTP");
  run.add_flag("--ready-tcp", raw.ready_tcp, "Ready and healthy is to accept a connection")
      ->envname("MIDAIR_READY_TCP")
      ->excludes("--ready-http");
  const auto duration = [&run](const char* flag, std::string& target, const char* env, const char* help) {
    run.add_option(flag, target, help)->envname(env)->type_name("DURATION")->capture_default_str();
  };
  duration("--poll-interval", raw.poll_interval, "MIDAIR_POLL_INTERVAL", "Between two looks at the store");
  duration("--boot-timeout", raw.boot_timeout, "MIDAIR_BOOT_TIMEOUT", "For the store's answer before the app starts");
  duration("--ready-timeout", raw.ready_timeout, "MIDAIR_READY_TIMEOUT", "For a new process to become ready");
  duration("--suspend-timeout", raw.suspend_timeout, "MIDAIR_SUSPEND_TIMEOUT",
           "For each step in which the app holds its callers; then the old code goes on");
  duration("--probation", raw.probation, "MIDAIR_PROBATION", "How long new code is watched before it is committed");
  duration("--drain-timeout", raw.drain_timeout, "MIDAIR_DRAIN_TIMEOUT", "For the old process to finish, then SIGKILL");
  duration("--watchdog", raw.watchdog, "MIDAIR_WATCHDOG",
           "For a sidecar that stands still while no app process serves, then it ends; 0 is never");
  run.add_option("--hooks", raw.hooks, "Lua script of hooks, asked instead of the releases' own")
      ->envname("MIDAIR_HOOKS")
      ->type_name("FILE");
  run.add_option("--log-level", raw.log_level, "error, warning, notice, info or debug")
      ->envname("MIDAIR_LOG_LEVEL")
      ->capture_default_str();
  if (kFaultsCompiledIn)
    run.add_flag_callback(
        "--list-faults",
        [] {
          for (const std::string& point : swap_fault_points()) std::cout << point << '\n';
          std::exit(EX_OK);
        },
        "List the fault points for MIDAIR_FAULT=POINT=error|kill|hang|enospc|eio");
  run.add_option("command", raw.command, "The app: a path with a slash is looked up in the active release")->required();
  run.footer(
      "Durations are written 200ms, 10s, 5m. Each option can be given in the environment as shown. The identity comes\n"
      "from FLY_APP_NAME, FLY_MACHINE_ID, FLY_REGION, FLY_IMAGE_REF and FLY_PROCESS_GROUP, credentials from\n"
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n\n"
      "Examples:\n"
      "  midair-sidecar run --listen 0.0.0.0:8080 -- ./server        as the entrypoint of an image on Fly\n"
      "  midair-sidecar run --listen 0.0.0.0:8080 --ready-http / -- gunicorn app:app");
}

/// Needs the working directory where `path` is relative, and that may be gone.
std::filesystem::path absolute(const std::filesystem::path& path) {
  std::error_code failure;
  auto whole = std::filesystem::absolute(path, failure);
  if (failure)
    die(EX_NOINPUT,
        {Errc::not_found, "use the working directory", "", failure.message(), "name absolute paths, or cd"});
  return whole;
}

Identity identity_of(const RawOptions& raw) {
  Identity identity;
  identity.app = raw.app.empty() ? environment_or("FLY_APP_NAME", "") : raw.app;
  identity.machine_id = environment_or("FLY_MACHINE_ID", host_name());
  identity.region = environment_or("FLY_REGION", "local");
  identity.process_group = environment_or("FLY_PROCESS_GROUP", "");
  identity.base_image_ref = environment_or("FLY_IMAGE_REF", "local");
  if (identity.app.empty())
    die(EX_CONFIG,
        {Errc::bad_input, "tell which app this is", "", "no name is given", "set FLY_APP_NAME, or give --app NAME"});
  or_die(check_app_name(identity.app));
  or_die(check_machine_id(identity.machine_id));
  return identity;
}

ReadyCheck ready_check(const RawOptions& raw) {
  if (raw.ready_http.empty() && !raw.ready_tcp) return {};
  if (raw.listen.empty())
    die(EX_CONFIG, {Errc::bad_input, "probe the app", "",
                    "--ready-http and --ready-tcp ask at the first --listen address", "give --listen HOST:PORT"});
  if (raw.ready_tcp) return {ReadyCheck::Kind::tcp, ""};
  if (raw.ready_http.front() != '/' || raw.ready_http.find_first_of(" \r\n") != std::string::npos)
    die(EX_CONFIG, {Errc::bad_input, "use the path", "'" + raw.ready_http + "'",
                    "it must start with '/' and have no spaces", "--ready-http /healthz"});
  return {ReadyCheck::Kind::http, raw.ready_http};
}

RunOptions checked(const RawOptions& raw) {
  RunOptions options;
  or_die(check_fault_setting(swap_fault_points()));
  LogLevel level{};
  if (!parse_log_level(raw.log_level, level))
    die(EX_CONFIG, {Errc::bad_input, "use the log level", "'" + raw.log_level + "'", "there is no such level",
                    "error, warning, notice, info or debug"});
  set_log_level(level);
  options.identity = identity_of(raw);
  options.store = store_settings_from_env(environment);
  if (!raw.store.empty()) options.store.address = raw.store;
  options.state_dir = absolute(raw.state_dir);
  options.base_dir = absolute(raw.base_dir.empty() ? "." : raw.base_dir).lexically_normal();
  options.control = raw.control.empty() ? options.state_dir / "control.sock" : absolute(raw.control);
  for (const std::string& spec : raw.listen) options.listen.push_back(or_die(parse_listen_spec(spec)));
  options.ready = ready_check(raw);
  options.poll_interval = or_die(parse_duration(raw.poll_interval));
  options.boot_timeout = or_die(parse_duration(raw.boot_timeout));
  options.ready_timeout = or_die(parse_duration(raw.ready_timeout));
  options.suspend_timeout = or_die(parse_duration(raw.suspend_timeout));
  options.probation = or_die(parse_duration(raw.probation));
  options.drain_timeout = or_die(parse_duration(raw.drain_timeout));
  options.watchdog = or_die(parse_duration(raw.watchdog));
  if (options.poll_interval < std::chrono::milliseconds(10))
    die(EX_CONFIG, {Errc::bad_input, "use the poll interval", raw.poll_interval, "the least is 10ms"});
  if (options.suspend_timeout < std::chrono::milliseconds(100))
    die(EX_CONFIG, {Errc::bad_input, "use the suspend timeout", raw.suspend_timeout, "the least is 100ms"});
  if (!raw.hooks.empty()) {
    options.hooks = absolute(raw.hooks);
    or_die(read_file(options.hooks, kMaxHookScript));
  }
  options.command = raw.command;
  return options;
}

}  // namespace

Invocation parse_command_line(int argc, char** argv) {
  CLI::App app("Runs an app and swaps its code without dropping a request.", "midair-sidecar");
  app.set_version_flag("--version", std::string("midair-sidecar ") + MIDAIR_BUILD_VERSION);
  app.require_subcommand(1);
  Invocation invocation;
  RawOptions raw;
  CLI::App* run = app.add_subcommand("run", "Run and supervise the app (the image's entrypoint)");
  declare_run(*run, raw);
  CLI::App* status = app.add_subcommand("status", "Ask the running sidecar what runs and how swaps go");
  CLI::App* poll_now = app.add_subcommand("poll-now", "Let the running sidecar look at the store at once");
  // For our own use: the process in which a hook runs.
  const CLI::App* hook_worker = app.add_subcommand("hook-worker")->group("");
  for (CLI::App* verb : {status, poll_now}) {
    verb->add_option("--control", raw.control, "Control socket [STATE_DIR/control.sock]")->envname("MIDAIR_CONTROL");
    verb->add_option("--state-dir", raw.state_dir, "State directory of that sidecar")
        ->envname("MIDAIR_STATE_DIR")
        ->capture_default_str();
  }
  status->add_flag("--json", invocation.json, "The whole answer as a JSON object");
  status->footer("Example:\n  fly ssh console -C 'midair-sidecar status'");
  CLI::App* check = app.add_subcommand("protocol-check", "See whether an app speaks the upgrade protocol as specified");
  std::string check_listen;
  check->add_flag("--json", invocation.check.json, "The results as a JSON object");
  check->add_option("--listen", check_listen, "[NAME=]HOST:PORT to pass on as LISTEN_FDS; port 0: any");
  check->add_option("--only", invocation.check.only, "Only the checks whose names contain this text");
  check->add_option("command", invocation.check.command, "The app")->required();
  check->footer(
      "It plays the sidecar to fresh processes of the app. Exit status 0: it conforms, 1: it does not.\n"
      "Example:\n  midair-sidecar protocol-check --listen 127.0.0.1:0 -- ./server.py");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status_code = app.exit(error);
    std::exit(status_code == 0 ? EX_OK : EX_USAGE);
  }
  if (run->parsed()) {
    invocation.run = checked(raw);
    return invocation;
  }
  if (hook_worker->parsed()) {
    invocation.verb = Invocation::Verb::hook_worker;
    return invocation;
  }
  if (check->parsed()) {
    invocation.verb = Invocation::Verb::protocol_check;
    if (!check_listen.empty()) invocation.check.listen.push_back(or_die(parse_listen_spec(check_listen)));
    return invocation;
  }
  invocation.verb = status->parsed() ? Invocation::Verb::status : Invocation::Verb::poll_now;
  invocation.control =
      raw.control.empty() ? std::filesystem::path(raw.state_dir) / "control.sock" : std::filesystem::path(raw.control);
  return invocation;
}

}  // namespace midair::sidecar
