/// @file
/// What serves the clients, what is to serve them, and what would come back.
#pragma once

#include <sys/types.h>

#include <atomic>

#include "process/supervisor.h"
#include "release/release_ref.h"

namespace midair::sidecar {

/// Shared by the strategies, which change it, and whoever has to know. On the loop thread.
struct Serving {
  unsigned generation = 0;    ///< the process that serves; 0 before the first
  std::atomic<pid_t> pid{0};  ///< its id, also for the watchdog's signal handler
  ReleaseRef release;         ///< what it runs
  unsigned candidate = 0;     ///< the process that runs the new code, until that is committed or given up; 0: none
  ReleaseRef candidate_release;
  ReleaseRef fallback;               ///< what a roll back brings back
  ReleaseRef committed;              ///< what the next start would run
  bool fallback_said_ready = false;  ///< if it never did before, it isn't asked to on its return

  /// That process serves from now on.
  void serve_with(const Generation& process) {
    generation = process.number;
    pid = process.child.pid();
    release = process.release;
  }

  /// At boot: `process` was started in place of `instead_of`, and is watched like a candidate that has taken over.
  void adopt_candidate(const Generation& process, const ReleaseRef& instead_of) {
    serve_with(process);
    candidate = process.number;
    candidate_release = process.release;
    fallback = instead_of;
    fallback_said_ready = false;
  }

  /// The code that serves was published again under another name: it is known by that name from now on.
  void rename(const std::string& version, const std::string& hot_ref, std::uint64_t sequence) {
    release.version = version;
    release.hot_ref = hot_ref;
    release.sequence = sequence;
  }
};

}  // namespace midair::sidecar
