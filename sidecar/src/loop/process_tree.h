/// @file
/// What belongs together because one started the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace midair::sidecar {

/// The environment variable that marks what a generation starts: "<32 hex digits of the sidecar's run>.<number>".
inline constexpr const char* kMarkerVariable = "MIDAIR_GENERATION";

/// A process, told apart from a later one that got the same pid.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< when it started: clock ticks since boot

  /// The existing process (or zombie) `pid`. Nothing if there is none.
  [[nodiscard]] static std::optional<ProcessId> of(pid_t pid);
};

/// By what the processes of one generation are known.
///
/// While its subreaper lives: they descend from it. Where a parent ends, the kernel gives its children to the
/// subreaper, so neither a session of its own, nor a double fork, nor another environment takes a process out of the
/// tree. If the subreaper was killed, the next best: they are of the session of the main process or bear the marker, or
/// descend from one that is or does.
///
/// epmd, Erlang's port mapper, known by that name, is never counted: the first Erlang node of a machine starts it for
/// all that follow.
struct ProcessTree {
  ProcessId root;      ///< the subreaper, which is not one of them
  ProcessId leader;    ///< the main process, which leads a session
  std::string marker;  ///< value of kMarkerVariable; empty: none
};

/// True for the name of the process that is left alone.
[[nodiscard]] bool is_port_mapper(std::string_view process_name) noexcept;

/// True while the subreaper itself lives.
[[nodiscard]] bool has_root(const ProcessTree& tree);

/// The living processes of a tree, zombies not among them, and never ourselves. Reads all of /proc.
[[nodiscard]] std::vector<pid_t> living_members(const ProcessTree& tree);

/// True if a living or unreaped process is of the tree, by its pid as the kernel attests it (0, which it says of one in
/// a foreign pid namespace, is of none).
[[nodiscard]] bool is_member(pid_t pid, const ProcessTree& tree);

/// Sends SIGKILL to every process of a tree, also to those that are forked meanwhile; never to the subreaper, nor to
/// ourselves. Returns whom it was sent to. Does not wait.
std::set<pid_t> kill_tree(const ProcessTree& tree);

}  // namespace midair::sidecar
