/// @file
/// What descriptors other processes have, and how to share them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string_view>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// The inode in "socket:[4711]", as /proc/PID/fd/N shows a socket (proc(5)); 0 for any other link.
[[nodiscard]] ino_t socket_inode(std::string_view link);

/// The inodes of all sockets that a process has open. Nothing if we may not look; none if it has ended.
[[nodiscard]] std::optional<std::set<ino_t>> sockets_of(pid_t pid);

/// A duplicate of a descriptor of another process (pidfd_getfd(2)). Errc::not_found if there is no such process or
/// descriptor any more; Errc::denied where it is not permitted, or unknown to the kernel (before 5.6).
[[nodiscard]] Result<Fd> duplicate_descriptor(pid_t pid, int fd);

}  // namespace midair::sidecar
