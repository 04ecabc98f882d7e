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

#include "loop/process_table.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// What to start, and what it gets.
struct SpawnSpec {
  /// Program and arguments. A program with a '/' is found from `directory`, any other on the PATH it is started with.
  std::vector<std::string> command;
  /// The working directory; empty: ours.
  std::filesystem::path directory;
  /// Set, or unset where there is no value, on top of our environment.
  std::map<std::string, std::optional<std::string>> environment;
  /// Name and descriptor: become 3, 4, ... as sd_listen_fds(3) says, with LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID.
  /// With none, these variables are unset. Stay the caller's.
  std::vector<std::pair<std::string, int>> passed_fds;
  /// Whether its bind() and listen() are to arrive at us: see Child::take_socket_calls().
  bool adopt_sockets = false;
};

/// Owns the session (and so the process group) of one started program; destruction kills all of it.
///
/// Reaping is the Reaper's business: tell this object with reaped(). A process of the app that starts a session of its
/// own (a daemon) leaves this one's reach.
class Child {
 public:
  /// Starts a program and waits, at most 5 s, until it was executed: a failure to do so is told here.
  ///
  /// The program gets default signal dispositions, an empty signal mask, /dev/null as standard input, our standard
  /// output and error, the passed descriptors and no other. It is killed when the calling *thread* ends
  /// (PR_SET_PDEATHSIG): a machine ends with its entrypoint, and an app that outlived its sidecar would hold the port
  /// against the next one. So call this from a thread that lives as long as the sidecar.
  [[nodiscard]] static Result<Child> spawn(const SpawnSpec& spec);
  Child(Child&& other) noexcept
      : session_(std::exchange(other.session_, {})),
        reaped_(other.reaped_),
        socket_calls_(std::move(other.socket_calls_)) {}
  Child& operator=(Child&& other) noexcept;
  /// Kills every process of the session with SIGKILL. Does not wait.
  ~Child();

  /// Of the main process; also the id of its group and session.
  [[nodiscard]] pid_t pid() const noexcept { return session_.leader; }
  /// Where the system calls of `adopt_sockets` arrive, from now on the caller's. None if the kernel refuses that: then
  /// the program does them as any.
  [[nodiscard]] Fd take_socket_calls() noexcept { return std::move(socket_calls_); }
  /// Signals the main process. Errc::not_found once it was reaped.
  [[nodiscard]] Result<void> signal(int sig) const;
  /// Signals every process of the group, as far as there still is one.
  void signal_group(int sig) const noexcept;
  /// Once the main process has ended: signals what it has left behind, every process of the session that lives. False
  /// if none does.
  bool signal_rest(int sig) const;
  /// Its living processes, zombies not among them.
  [[nodiscard]] std::vector<pid_t> processes() const {
    return session_.leader == 0 ? std::vector<pid_t>() : living_members(session_);
  }
  /// True while a process of the session lives, zombies not counted.
  [[nodiscard]] bool lives() const { return session_.leader != 0 && !living_members(session_).empty(); }
  /// True while a process of the session has one of these sockets open (see ListenSockets::inodes). Reads /proc; what
  /// may not be read counts as open.
  [[nodiscard]] bool holds_any_socket(const std::vector<ino_t>& inodes) const;
  /// Says that the main process was reaped: its pid is never signalled again. What it started may live on.
  void reaped() noexcept { reaped_ = true; }

 private:
  Child(const Session& session, Fd socket_calls) noexcept : session_(session), socket_calls_(std::move(socket_calls)) {}
  void kill_all() noexcept;

  Session session_;  // leader 0: moved from
  bool reaped_ = false;
  Fd socket_calls_;
};

}  // namespace midair::sidecar
