/// @file
/// Takes in the dead: our own children, and what they left behind.
#pragma once

#include <sys/types.h>

#include <vector>

#include "process/exit_status.h"

namespace midair::sidecar {

/// A process that has ended and is no more.
struct Reaped {
  pid_t pid;
  ExitStatus status;
};

/// The only one in the process who waits for children. One per process.
class Reaper {
 public:
  /// Makes this process the parent of all orphans below it (PR_SET_CHILD_SUBREAPER), so that none turns into a zombie
  /// of an init that does not care, whether we are PID 1 or not.
  Reaper() noexcept;

  /// Reaps all that have ended, orphans included. Never blocks. Call it on SIGCHLD.
  [[nodiscard]] std::vector<Reaped> drain();
};

}  // namespace midair::sidecar
