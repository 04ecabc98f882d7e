/// @file
/// The system calls by which an app may mean a Unix socket of its own.
#pragma once

#include <sys/syscall.h>

#include <array>

#include "sockets/socket_call.h"

// Of later kernels' headers than Debian 12's: Linux 6.6.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace midair::sidecar {

/// A call that names a file.
struct PathCall {
  int number;
  SocketCall::Kind kind;
  bool at;  ///< its path may be relative to a descriptor, and comes second
};

/// Some architectures have only the newer ones.
inline constexpr auto kPathCalls = std::to_array<PathCall>({
#ifdef SYS_unlink
    {SYS_unlink, SocketCall::Kind::unlink, false},
    {SYS_chmod, SocketCall::Kind::chmod, false},
    {SYS_chown, SocketCall::Kind::chown, false},
    {SYS_lchown, SocketCall::Kind::chown, false},
#endif
    {SYS_unlinkat, SocketCall::Kind::unlink, true},
    {SYS_fchmodat, SocketCall::Kind::chmod, true},
    {SYS_fchmodat2, SocketCall::Kind::chmod, true},
    {SYS_fchownat, SocketCall::Kind::chown, true},
});

}  // namespace midair::sidecar
