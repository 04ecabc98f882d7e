/// @file
/// One generation of the app: a process, and all that it starts.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/process_tree.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "process/exit_status.h"

namespace midair::sidecar {

/// What to start, and what it gets.
struct SpawnSpec {
  /// Program and arguments. A program with a '/' is found from `directory`, any other on the PATH it is started with.
  std::vector<std::string> command;
  /// The working directory; empty: ours.
  std::filesystem::path directory;
  /// Set, or unset where there is no value, on top of our environment. kMarkerVariable becomes the tree's marker.
  std::map<std::string, std::optional<std::string>> environment;
  /// Name and descriptor: become 3, 4, ... as sd_listen_fds(3) says, with LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID.
  /// With none, these variables are unset. Stay the caller's.
  std::vector<std::pair<std::string, int>> passed_fds;
  /// Whether its bind() and listen() are to arrive at us: see Child::take_socket_calls().
  bool adopt_sockets = false;
  /// And what it does to paths: see UnixSockets.
  bool hear_paths = false;
  /// Standard output and error; -1: ours. Stay the caller's.
  int standard_output = -1;
  int standard_error = -1;
};

/// Owns a started program and all that descends from it (see ProcessTree); destruction kills all of it.
///
/// Between us and the program stands a small process (see subreaper.h). It keeps whoever has ended a zombie until we
/// have looked, so a message of a process that has ended meanwhile can still be ascribed: read messages, then look().
/// Not thread-safe.
class Child {
 public:
  /// Starts a program and waits, at most 5 s, until it was executed: a failure to do so is told here.
  ///
  /// The program gets a session of its own, default signal dispositions, an empty signal mask, /dev/null as standard
  /// input, the standard output and error of `spec`, the passed descriptors and no other. All of it is killed when we
  /// end: a machine ends with its entrypoint, and an app that outlived its sidecar would hold the port against the next
  /// one.
  [[nodiscard]] static Result<Child> spawn(const SpawnSpec& spec);
  Child(Child&& other) noexcept = default;
  Child& operator=(Child&& other) noexcept;
  /// Kills everything with SIGKILL. Does not wait; the subreaper is left to whoever reaps our children.
  ~Child();

  /// Of the main process; also the id of its group and session.
  [[nodiscard]] pid_t pid() const noexcept { return tree_.leader.pid; }
  /// By what its processes are known.
  [[nodiscard]] const ProcessTree& tree() const noexcept { return tree_; }

  /// Readable when there is something to look() at, for good once it is over.
  [[nodiscard]] int fd() const noexcept { return link_.get(); }
  /// Takes note of one process that has ended, and lets the kernel forget it. Never blocks.
  void look();
  /// How the main process ended, once that was noted. Its pid is never signalled from then on.
  [[nodiscard]] const std::optional<ExitStatus>& ended() const noexcept { return ended_; }
  /// True once it was noted that nothing of it lives any more.
  [[nodiscard]] bool over() const noexcept { return over_ || !link_; }

  /// Where the system calls of `adopt_sockets` arrive, from now on the caller's. None if the kernel refuses that: then
  /// the program does them as any.
  [[nodiscard]] Fd take_socket_calls() noexcept { return std::move(socket_calls_); }

  /// Signals the main process. Errc::not_found once its end was noted.
  [[nodiscard]] Result<void> signal(int sig) const;
  /// Signals every process of the main process's group, as far as there still is one.
  void signal_group(int sig) const noexcept;
  /// Once the main process has ended: signals what it has left behind, all that lives. False if nothing does.
  bool signal_rest(int sig) const;
  /// SIGKILL to all that lives.
  void kill_all() const;
  /// Its living processes, zombies not among them.
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// True while any of it lives, zombies not counted.
  [[nodiscard]] bool lives() const;
  /// True while any of it has one of these sockets open, by their inodes. Reads /proc; what may not be read counts as
  /// open.
  [[nodiscard]] bool holds_any_socket(const std::vector<ino_t>& inodes) const;

 private:
  Child(ProcessTree tree, Fd link, Fd socket_calls) noexcept
      : tree_(std::move(tree)), link_(std::move(link)), socket_calls_(std::move(socket_calls)) {}

  ProcessTree tree_;
  Fd link_;  // to the subreaper; none: moved from
  std::optional<ExitStatus> ended_;
  bool over_ = false;
  Fd socket_calls_;
};

}  // namespace midair::sidecar
