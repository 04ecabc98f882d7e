/// @file
/// Which socket at the other side of a local connection answers it.
#pragma once

#include <sys/types.h>

#include <optional>

namespace midair::sidecar {

/// The inode of the server's end of the TCP or Unix connection `client_fd` on this host, read from /proc/net/tcp, tcp6
/// and unix (proc(5)), which every kernel has, where sock_diag(7) may be missing: 0 while the connection (of a Unix
/// socket, any to the same name) waits in the listening socket's queue, nothing where no such end is found. With
/// Child::holds_any_socket it tells which process accepted the connection.
[[nodiscard]] std::optional<ino_t> server_end_of(int client_fd);

}  // namespace midair::sidecar
