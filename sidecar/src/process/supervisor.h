/// @file
/// The processes of the app: starts generations, hears what they notify, ends them, and keeps what they leave behind.
#pragma once

#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "output/output_tap.h"
#include "process/child.h"
#include "process/drain.h"
#include "process/exit_status.h"
#include "process/fd_store.h"
#include "process/last_words.h"
#include "process/notify_socket.h"
#include "process/reaper.h"
#include "protocol/app_socket.h"
#include "release/release_ref.h"
#include "sockets/app_sockets.h"
#include "state/state_dir.h"

namespace midair::sidecar {

/// One process, and all that descends from it, that runs one release. Owned by the Supervisor.
struct Generation {
  unsigned number = 0;
  ReleaseRef release;
  Child child;
  NotifySocket notify;
  std::unique_ptr<AppSocket> app;  ///< the upgrade protocol
  EventLoop::Watch notify_watch{};
  EventLoop::Watch child_watch{};
  std::optional<EventLoop::Timer> kill_timer{};  ///< while its time to end is limited
  WallTime drains_since{};                       ///< since when it is
  std::unique_ptr<Drain> drain{};                ///< once it gets no new connections
  bool ready = false;                            ///< it said READY=1
  std::function<void()> on_ready{};            ///< called from the loop each time it says so; must not end a generation
  unsigned swaps_in_place = 0;                 ///< that it has committed since it was started on `release`
  bool asked_to_end = false;                   ///< by us, by the stop signal or SIGKILL
  bool killed = false;                         ///< by us: none of it is waited for any more
  bool left_behind = false;                    ///< its main process left in good order what it had started, unasked
  std::string status{};                        ///< its last STATUS=
  std::string conflict{};                      ///< once it has ended: why it could not listen where it wanted to
  std::shared_ptr<GenerationOutput> output{};  ///< what it writes; none: to our own streams

  Generation(unsigned generation_number, ReleaseRef ref, Child process, NotifySocket notifications,
             std::unique_ptr<AppSocket> app_socket)
      : number(generation_number),
        release(std::move(ref)),
        child(std::move(process)),
        notify(std::move(notifications)),
        app(std::move(app_socket)) {}

  /// "exited with status 3", to follow the name of the process, once its main process has.
  [[nodiscard]] std::string how_it_ended() const;
};

/// When a new process may serve, as its welcome says; of meaning only to apps that speak the upgrade protocol.
enum class Entry {
  at_once,
  when_resumed,  ///< it succeeds a running one: it waits until it is asked to `resume`
};

/// Owner of all generations. Everything on the loop thread.
class Supervisor {
 public:
  static constexpr std::chrono::milliseconds kQueueLimit{1000};

  struct Settings {
    std::vector<std::string> command;
    std::chrono::milliseconds drain_timeout{std::chrono::seconds(30)};
    int stop_signal = SIGTERM;         ///< lets the app finish what it has begun, and end
    std::filesystem::path base_dir{};  ///< the app in the image: `command` may name what is there by absolute paths
    /// When idle connections of what isn't served any more are closed; nothing: never.
    std::optional<std::chrono::milliseconds> close_idle{std::chrono::seconds(5)};
    std::size_t max_draining = 8;  ///< generations that finish at once; beyond that the oldest is killed
    OutputTap* output = nullptr;   ///< where what they write goes through; must outlive the supervisor; none: to ours
  };
  struct Hooks {
    /// A generation ended: its main process, and if it was asked to end all that this had started. It is removed when
    /// the hook returns; its stragglers are killed. The status is the main process's.
    std::function<void(Generation&, const ExitStatus&)> on_exit;
  };

  Supervisor(EventLoop& loop, const StateDir& dir, AppSockets& sockets, Settings settings, Hooks hooks);

  /// Starts a process on a release, with listening sockets of its own (those of the one that serves, if it may serve
  /// only when_resumed) or its bind() and listen() adopted, and with the stored descriptors. What the command names in
  /// the base directory by an absolute path is the release's, if that has it (see release_command()).
  Result<Generation*> start(const ReleaseRef& release, Entry entry = Entry::at_once);
  /// The stop signal, as soon as nobody waits in the queues of its sockets (for kQueueLimit at most); SIGKILL to all of
  /// it when the drain timeout has passed. If the main process ends before the others, as a wrapper does,
  /// these get the signal too, and the rest of the time.
  void drain(Generation& generation);
  /// It gets no new connections any more: its idle ones are closed, one by one.
  void let_go(Generation& generation);
  /// It gets new connections again.
  void take_back(Generation& generation) { generation.drain.reset(); }
  /// As drain(), but the stop signal comes only when nothing is under way on its connections, or shortly before the
  /// drain timeout.
  void drain_when_finished(Generation& generation);
  /// SIGKILL to all of it.
  void kill(Generation& generation);
  /// Asks every generation to end by the stop signal. Its main process may take as long as it wants, and then what that
  /// has left behind the drain timeout.
  void end_all();
  /// SIGKILL to all.
  void kill_all();
  /// Call on SIGCHLD: reaps our own children.
  void reap();

  /// The generation with that number, or null once it has ended.
  [[nodiscard]] Generation* find(unsigned number);
  [[nodiscard]] bool empty() const { return generations_.empty(); }
  [[nodiscard]] AppSockets& sockets() const { return sockets_; }
  [[nodiscard]] std::chrono::milliseconds drain_timeout() const { return settings_.drain_timeout; }
  /// Those whose time to end is limited, the oldest first.
  [[nodiscard]] std::vector<const Generation*> draining() const;
  /// What a generation had to say, and how it ended: of one that lives, or ended lately; else nothing.
  [[nodiscard]] LastWords last_words(unsigned number) const;
  /// True while apps have left descriptors with us for their successors.
  [[nodiscard]] bool keeps_descriptors() const { return !store_.named().empty(); }
  [[nodiscard]] const std::filesystem::path& base_dir() const { return settings_.base_dir; }

 private:
  [[nodiscard]] std::vector<std::string> command_for(const ReleaseRef& release, unsigned number) const;
  void hear(Generation& generation);
  void keep(Generation& generation, NotifyMessage& message);
  void look(Generation& generation);
  void main_process_ended(Generation& generation);
  void end_after(Generation& generation, std::chrono::milliseconds limit);
  void ask_to_end(Generation& generation);
  void limit_time(Generation& generation);
  void remove(Generation& generation);
  void limit_draining();
  void remember(const Generation& ended);

  EventLoop& loop_;
  const StateDir& dir_;
  AppSockets& sockets_;
  const Settings settings_;
  const Hooks hooks_;
  Reaper reaper_;
  std::optional<SocketDiag> diag_;  ///< none where the kernel has none
  FdStore store_;
  std::list<std::unique_ptr<Generation>> generations_;
  std::deque<std::pair<unsigned, LastWords>> ended_lately_;
  const std::string run_;  // of which the markers of our generations are made
  unsigned last_number_ = 0;
};

}  // namespace midair::sidecar
