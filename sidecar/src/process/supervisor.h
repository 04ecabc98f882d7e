/// @file
/// The processes of the app: starts generations, hears what they notify, ends them, and keeps what they leave behind.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "process/child.h"
#include "process/exit_status.h"
#include "process/fd_store.h"
#include "process/listen_sockets.h"
#include "process/notify_socket.h"
#include "process/reaper.h"
#include "protocol/app_socket.h"
#include "release/release_ref.h"
#include "state/state_dir.h"

namespace midair::sidecar {

/// One process (with its session) that runs one release. Owned by the Supervisor.
struct Generation {
  unsigned number = 0;
  ReleaseRef release;
  Child child;
  NotifySocket notify;
  std::unique_ptr<AppSocket> app;  ///< the upgrade protocol
  EventLoop::Watch notify_watch{};
  EventLoop::Timer kill_timer{};
  bool ready = false;                ///< it said READY=1
  std::function<void()> on_ready{};  ///< called from the loop each time it says so; must not end a generation
  unsigned swaps_in_place = 0;       ///< that it has committed since it was started on `release`
  bool asked_to_end = false;         ///< it was sent SIGTERM or SIGKILL by us
  std::string status{};              ///< its last STATUS=

  Generation(unsigned generation_number, ReleaseRef ref, Child process, NotifySocket notifications,
             std::unique_ptr<AppSocket> app_socket)
      : number(generation_number),
        release(std::move(ref)),
        child(std::move(process)),
        notify(std::move(notifications)),
        app(std::move(app_socket)) {}
};

/// When a new process may serve, as its welcome says; of meaning only to apps that speak the upgrade protocol.
enum class Entry {
  at_once,
  when_resumed,  ///< it succeeds a running one: it waits until it is asked to `resume`
};

/// Owner of all generations. Everything on the loop thread.
class Supervisor {
 public:
  struct Settings {
    std::vector<std::string> command;
    std::chrono::milliseconds drain_timeout{std::chrono::seconds(30)};
  };
  struct Hooks {
    /// A generation's main process ended. It is removed when the hook returns; its stragglers are killed.
    std::function<void(Generation&, const ExitStatus&)> on_exit;
  };

  Supervisor(EventLoop& loop, const StateDir& dir, const ListenSockets& sockets, Settings settings, Hooks hooks);

  /// Starts a process on a release, with the listening sockets and the stored descriptors.
  Result<Generation*> start(const ReleaseRef& release, Entry entry = Entry::at_once);
  /// SIGTERM now, SIGKILL to the whole session when the drain timeout has passed.
  void drain(Generation& generation);
  /// SIGKILL to the whole session.
  void kill(Generation& generation);
  /// Asks every generation's main process to end with that signal.
  void end_all(int signo);
  /// Call on SIGCHLD: hears last words first, then reaps children and orphans.
  void reap();

  /// The generation with that number, or null once it has ended.
  [[nodiscard]] Generation* find(unsigned number);
  [[nodiscard]] bool empty() const { return generations_.empty(); }
  [[nodiscard]] const ListenSockets& sockets() const { return sockets_; }

 private:
  void hear(Generation& generation);
  void keep(Generation& generation, NotifyMessage& message);
  void ended(pid_t pid, const ExitStatus& status);
  void enforce_generation_cap();

  EventLoop& loop_;
  const StateDir& dir_;
  const ListenSockets& sockets_;
  const Settings settings_;
  const Hooks hooks_;
  Reaper reaper_;
  FdStore store_;
  std::list<std::unique_ptr<Generation>> generations_;
  unsigned last_number_ = 0;
};

}  // namespace midair::sidecar
