/// @file
/// Other people's programs, run to their end.
#pragma once

#include <string>
#include <vector>

#include "midair/call_limits.h"
#include "midair/error.h"

namespace midair::host {

/// What to run.
struct Command {
  std::vector<std::string> argv;         ///< argv[0] is a path with a '/'. Visible to every user: no secrets
  std::vector<std::string> environment;  ///< NAME=value, all of it. Visible to this user's processes
};

/// What came of it.
struct CommandOutput {
  int status = 0;   ///< its exit status, or 128 and the signal that ended it
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// Runs a program in a process group of its own, with /dev/null as standard input and none of our descriptors, and
/// returns when it has ended. Whatever it leaves behind in its group is killed. Past the deadline (Errc::timeout), at a
/// stop request (Errc::cancelled) or when either output exceeds `max_output` bytes (Errc::corrupt), the whole group
/// gets SIGTERM and, half a second later, SIGKILL. Thread-safe.
[[nodiscard]] Result<CommandOutput> run_command(const Command& command, const CallLimits& limits,
                                                std::size_t max_output);

}  // namespace midair::host
