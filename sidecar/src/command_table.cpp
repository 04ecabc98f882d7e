#include "command_table.h"

#include <algorithm>

namespace midair::sidecar {

namespace {

constexpr const char* kDefaultStateDir = "/var/lib/midair";

manual::Option duration(std::string name, std::string help, std::string fallback, std::string variable) {
  return {std::move(name), "DURATION", std::move(help), std::move(fallback), std::move(variable)};
}

manual::Option state_dir() {
  return {"state-dir", "DIR", "where releases and records are kept", kDefaultStateDir, "MIDAIR_STATE_DIR"};
}

manual::Option control() {
  return {"control", "FILE", "the control socket (default: STATE_DIR/control.sock)", "", "MIDAIR_CONTROL"};
}

std::vector<manual::Option> run_options() {
  return {
      {"app", "NAME", "the app's name (default: FLY_APP_NAME)", "", "MIDAIR_APP"},
      {"store", "ADDR", "s3://BUCKET[/PREFIX] or file:///DIR (default: BUCKET_NAME or AWS_BUCKET)", "", "MIDAIR_STORE"},
      {"listen", "ADDRESS",
       "[NAME=]HOST:PORT to listen on and pass on as LISTEN_FDS; may be repeated, or comma-separated", "",
       "MIDAIR_LISTEN"},
      {"sockets",
       "MODE",
       "how the app comes to its listening sockets: it binds them itself and they are led (adopt, the default), it "
       "takes those of --listen (pass), or it is let alone (off)",
       "",
       "MIDAIR_SOCKETS",
       {"adopt", "pass", "off"}},
      {"port", "PORT", "a port to adopt, instead of all below the ephemeral ones; may be repeated", "", "MIDAIR_PORT"},
      {"unix", "PATH", "a Unix socket on which the app listens, and that is to be led as ports are; may be repeated",
       "", "MIDAIR_UNIX"},
      {"base-dir", "DIR", "the app in the image (default: the working directory)", "", "MIDAIR_BASE_DIR"},
      {"release-owner", "UID:GID",
       "whom unpacked releases belong to, who then reads what only their owner may (default: who runs this)", "",
       "MIDAIR_RELEASE_OWNER"},
      state_dir(),
      control(),
      {"ready-http", "PATH",
       "ready and healthy is a 2xx or 3xx answer to GET PATH, instead of to listen where clients are served", "",
       "MIDAIR_READY_HTTP"},
      {"ready-host", "HOST", "the Host that --ready-http asks for (default: the address)", "", "MIDAIR_READY_HOST"},
      {"ready-header", "HEADER", "a header of what --ready-http asks, as 'NAME: VALUE'; may be repeated", "",
       "MIDAIR_READY_HEADER"},
      {"ready-tcp", "", "ready and healthy is to accept a connection", "", "MIDAIR_READY_TCP"},
      duration("ready-after", "until an app that lives, but neither listens nor says READY=1, counts as ready", "5s",
               "MIDAIR_READY_AFTER"),
      duration("poll-interval", "between two looks at the store", "1s", "MIDAIR_POLL_INTERVAL"),
      duration("boot-timeout", "for the store's answer before the app starts", "10s", "MIDAIR_BOOT_TIMEOUT"),
      duration("ready-timeout", "for a new process to become ready", "60s", "MIDAIR_READY_TIMEOUT"),
      duration("suspend-timeout", "for each step in which the app holds its callers; then the old code goes on", "10s",
               "MIDAIR_SUSPEND_TIMEOUT"),
      duration("probation", "how long new code is watched before it is committed", "10s", "MIDAIR_PROBATION"),
      {"keep-warm",
       "on|off",
       "leave the old process as it is until the new one is committed, for an instant way back",
       "on",
       "MIDAIR_KEEP_WARM",
       {"on", "off"}},
      {"close-idle", "DURATION|never",
       "from the switch until idle kept-alive connections of the old process begin to be closed, one by one", "5s",
       "MIDAIR_CLOSE_IDLE"},
      {"max-draining", "NUMBER", "old processes that may finish at once; beyond that the oldest is killed", "8",
       "MIDAIR_MAX_DRAINING"},
      {"stop-signal", "SIGNAL", "lets the app finish what it has begun and end: a name (QUIT) or a number", "TERM",
       "MIDAIR_STOP_SIGNAL"},
      duration("drain-timeout", "for the old processes to finish, then SIGKILL", "30s", "MIDAIR_DRAIN_TIMEOUT"),
      duration("watchdog", "for a sidecar that stands still while no app process serves, then it ends; 0 is never",
               "30s", "MIDAIR_WATCHDOG"),
      {"writable", "NAMES",
       "directories of a release that the app writes to, such as tmp,log: links to directories of this machine, the "
       "same "
       "for each release; comma-separated, may be repeated",
       "", "MIDAIR_WRITABLE"},
      {"writable-fresh", "NAMES", "the same, empty for each new process, such as tmp/pids", "",
       "MIDAIR_WRITABLE_FRESH"},
      {"hooks", "FILE", "Lua script of hooks, asked instead of the releases' own", "", "MIDAIR_HOOKS"},
      {"label-output", "", "put the version and the number of the generation before each line that the app writes", "",
       "MIDAIR_LABEL_OUTPUT"},
      {"log-format",
       "FORMAT",
       "the sidecar's own log lines: text, or json, an object on each line",
       "text",
       "MIDAIR_LOG_FORMAT",
       {"text", "json"}},
      {"log-level",
       "LEVEL",
       "how much is logged",
       "info",
       "MIDAIR_LOG_LEVEL",
       {"error", "warning", "notice", "info", "debug"}},
  };
}

manual::Command run_command() {
  return {"run",
          "run and supervise the app (the image's entrypoint)",
          "PROGRAM is the app; a path with a slash is looked up in the active release.\n\n"
          "Durations are written 200ms, 10s, 5m. Each option can be given in the environment as shown. The identity "
          "comes from FLY_APP_NAME, FLY_MACHINE_ID, FLY_REGION, FLY_IMAGE_REF and FLY_PROCESS_GROUP, credentials from "
          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
          run_options(),
          "-- PROGRAM [ARGUMENT...]",
          {{"midair-sidecar run -- ./server", "as the entrypoint of an image on Fly"},
           {"midair-sidecar run --ready-http / -- npm start", "an app that says by HTTP whether it is well"},
           {"midair-sidecar run --listen 0.0.0.0:8080 -- ./server", "an app that takes LISTEN_FDS"}}};
}

manual::Option json(std::string help) { return {"json", "", std::move(help)}; }

manual::Command protocol_check_command() {
  return {"protocol-check",
          "see whether an app speaks the upgrade protocol as specified",
          "It plays the sidecar to fresh processes of PROGRAM. Exit status 0: it conforms, 1: it does not.",
          {json("the results as a JSON object"),
           {"listen", "ADDRESS", "[NAME=]HOST:PORT to pass on as LISTEN_FDS; port 0: any; may be repeated"},
           {"only", "TEXT", "only the checks whose names contain this text"}},
          "-- PROGRAM [ARGUMENT...]",
          {{"midair-sidecar protocol-check --listen 127.0.0.1:0 -- ./server.py", "all checks that concern it"}}};
}

std::vector<manual::Command> commands() {
  return {{"completion",
           "print a completion script for a shell",
           "",
           {},
           "bash|zsh|fish",
           {{"source <(midair-sidecar completion bash)", "complete in this shell"}}},
          {"help",
           "show help for a command",
           "",
           {{"man", "", "the manual page, for man(1)"}},
           "[COMMAND]",
           {{"midair-sidecar help run", "what 'run' does, with examples"},
            {"midair-sidecar help --man | man -l -", "all of it, as a manual page"}}},
          {"poll-now",
           "let the running sidecar look at the store at once",
           "",
           {control(), state_dir(), json("the answer as a JSON object")},
           "",
           {{"midair-sidecar poll-now", "don't wait for the next look"}}},
          protocol_check_command(),
          run_command(),
          {"status",
           "ask the running sidecar what runs and how swaps go",
           "",
           {control(), state_dir(), json("the whole answer as a JSON object")},
           "",
           {{"fly ssh console -C 'midair-sidecar status'", "in a machine on Fly"}}}};
}

std::vector<manual::Section> sections() {
  return {{"EXIT STATUS",
           "",
           {{"0", "done"},
            {"the app's", "of run: it ran and ended; 128+N after signal N"},
            {"1", "of protocol-check: the app does not conform"},
            {"64", "wrong command line"},
            {"69", "of status and poll-now: no sidecar answers"},
            {"70", "of run: nothing could be brought back after a failed upgrade, or the sidecar stood still"},
            {"75", "of run: another sidecar holds the state directory"},
            {"76", "of status and poll-now: the sidecar answers with an error"},
            {"78", "wrong settings"},
            {"126, 127", "of run: the app could not be started; it was not found"}}}};
}

manual::Program make() {
  return {"midair-sidecar",
          MIDAIR_BUILD_VERSION,
          "run an app and swap its code without dropping a request",
          "midair-sidecar starts an app, watches an object store for releases, and swaps the app's code while its "
          "clients wait at most a moment. It rolls back what does not work. Bake it into the app's image as the "
          "entry point.",
          {{"help", "", "show help"}, {"version", "", "show the version"}},
          commands(),
          sections()};
}

}  // namespace

const manual::Program& command_table() {
  static const manual::Program table = make();
  return table;
}

const manual::Command* find_command(const std::string& name) {
  const auto& commands = command_table().commands;
  const auto found = std::ranges::find(commands, name, &manual::Command::name);
  return found == commands.end() ? nullptr : &*found;
}

}  // namespace midair::sidecar
