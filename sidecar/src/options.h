/// @file
/// The sidecar's command line and environment.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "check/protocol_check.h"
#include "midair/error.h"
#include "midair/log.h"
#include "midair/release/writable_places.h"
#include "midair/store/open_store.h"
#include "process/readiness.h"
#include "release/trust_policy.h"
#include "sockets/app_sockets.h"
#include "state/tree.h"

namespace midair::sidecar {

/// What `midair-sidecar run` was told.
struct RunOptions {
  Identity identity;
  StoreSettings store;
  std::filesystem::path state_dir;
  std::filesystem::path base_dir;
  std::optional<ReleaseOwner> release_owner{};
  std::filesystem::path control;  ///< the control socket; empty: the state directory's
  std::vector<ListenSpec> listen;
  SocketMode sockets = SocketMode::adopt;
  bool sockets_demanded = false;        ///< that mode was asked for: it works, or nothing starts
  std::vector<std::uint16_t> ports;     ///< to adopt; empty: see AppSockets
  std::vector<std::string> unix_paths;  ///< Unix sockets to adopt
  ReadyCheck ready;
  bool keep_warm = true;  ///< the old process may stay until the new one is committed
  std::chrono::milliseconds poll_interval{};
  std::chrono::milliseconds boot_timeout{};
  std::chrono::milliseconds ready_timeout{};
  std::chrono::milliseconds suspend_timeout{};
  std::chrono::milliseconds probation{};
  std::chrono::milliseconds drain_timeout{};
  std::optional<std::chrono::milliseconds> close_idle{};  ///< nothing: never
  std::size_t max_draining = 0;
  int stop_signal = 0;                   ///< asks the app to end
  WritablePlaces writable;               ///< of every release
  std::filesystem::path hooks;           ///< Lua script of the image; empty: the releases' own
  std::chrono::milliseconds watchdog{};  ///< 0: none
  bool label_output = false;             ///< the app's lines say which generation wrote them
  std::vector<std::string> command;
};

/// What to do.
struct Invocation {
  enum class Verb { run, status, poll_now, hook_worker, protocol_check, help, completion };
  Verb verb = Verb::run;
  RunOptions run{};
  std::vector<std::filesystem::path> control{};  ///< for status and poll_now: the first on which a sidecar listens
  bool json = false;
  ProtocolCheckOptions check{};
  bool man = false;                    ///< of help
  std::vector<std::string> arguments;  ///< of help and completion
};

/// Parses command line and environment; the command line wins. Prints help, version or an error (as JSON after --json)
/// and exits where that is asked for or due (0, or 64 and 78 of sysexits.h).
[[nodiscard]] Invocation parse_command_line(int argc, char** argv);

}  // namespace midair::sidecar
