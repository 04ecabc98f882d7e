/// @file
/// What /proc tells of processes and their sessions.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace midair::sidecar {

/// Some of /proc/PID/stat.
struct ProcessStat {
  char state = '?';               ///< R, S, D, T, Z ...
  pid_t parent = 0;               ///< pid of the process that started it, or adopted it
  pid_t session = 0;              ///< pid of the session's leader
  std::uint64_t start_ticks = 0;  ///< when it started: clock ticks since boot (field 22)
};

/// Nothing if there is no such process. A zombie still answers.
[[nodiscard]] std::optional<ProcessStat> process_stat(pid_t pid);

/// Reads the content of a /proc/PID/stat. Safe on any bytes.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// A session, told apart from a later one whose leader got the same pid.
struct Session {
  pid_t leader = 0;               ///< its pid, which is the session's id
  std::uint64_t start_ticks = 0;  ///< when the leader started
};

/// The session that the existing process `pid` leads. Nothing if there is no such process.
[[nodiscard]] std::optional<Session> session_led_by(pid_t pid);

/// The living processes of a session, zombies not among them. While any is left, the kernel gives the leader's pid to
/// nobody else, so a dead leader doesn't matter; and if the leader's pid is another process's by now, the session is
/// over.
[[nodiscard]] std::vector<pid_t> living_members(const Session& session);

/// True if a living or unreaped process is of the session, by its pid as the kernel attests it (0, which it says of
/// one in a foreign pid namespace, is of none). The leader is known by its pid alone, also after it was reaped.
[[nodiscard]] bool is_in_session(pid_t pid, pid_t leader);

/// Sends SIGKILL to every process of a session, also to those that are forked meanwhile; never to ourselves. Returns
/// whom it was sent to. Does not wait.
std::set<pid_t> kill_session(const Session& session);

}  // namespace midair::sidecar
