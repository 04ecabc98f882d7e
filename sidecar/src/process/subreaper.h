/// @file
/// The small process that stands between the sidecar and the app, as the root of all that the app starts.
///
/// The kernel gives the children of a process that ends to the nearest subreaper above it (PR_SET_CHILD_SUBREAPER), so
/// whoever has this one above it is of its generation, whatever session, parents or environment it has left behind.
#pragma once

#include <sys/types.h>

namespace midair::sidecar {

/// What a subreaper tells the sidecar on its link, a datagram each: a child of its own, by birth or as an orphan, has
/// ended. It stays a zombie, so that the kernel still knows whose it was and its pid is nobody else's, until the
/// sidecar answers with one byte; then comes the next.
struct EndReport {
  pid_t pid;
  int wait_status;  ///< as waitpid() gives it
};

/// Before the app is forked: makes the calling process, a new child of the sidecar, a session and a subreaper of its
/// own. All its signals have to be blocked. Async-signal-safe.
void become_subreaper() noexcept;

/// Then its whole life, as a loop: reports whoever ends, and ends itself when nothing of the generation lives any more
/// (see is_port_mapper). When the link's other end is closed, or the sidecar `parent` has ended, it kills whatever
/// descends from it until nothing does. Holds no descriptor but `link` and some of its own. Async-signal-safe, as it
/// is what a fork() of a program with threads has to be.
[[noreturn]] void serve_as_subreaper(int link, pid_t parent, pid_t program) noexcept;

}  // namespace midair::sidecar
