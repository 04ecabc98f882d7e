/// @file
/// The filter by which system calls of an app arrive at its sidecar.
#pragma once

#include "midair/error.h"

namespace midair::sidecar {

/// Makes bind() and listen() of the calling process, and of all that it starts, wait for the one who has the returned
/// descriptor (seccomp_unotify(2)); every other system call goes on as before. With `paths` so do connect() to what may
/// be a path, and those that name a file (kPathCalls). -1 and errno if the kernel refuses. Without CAP_SYS_ADMIN the
/// process loses what set-user-ID programs would give it (PR_SET_NO_NEW_PRIVS). For a child between fork() and exec():
/// makes system calls only.
[[nodiscard]] int install_socket_filter(bool paths) noexcept;

/// Tries all that the adoption of sockets needs, in a child of its own, within some seconds: that the kernel has it and
/// we may use it. The error says what is missing.
[[nodiscard]] Result<void> check_adoption();

}  // namespace midair::sidecar
