/// @file
/// The Unix sockets of this network namespace that have a path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace midair::sidecar {

/// A socket that is bound to `path`, or the accepting side of a connection to one that is.
struct UnixSocket {
  bool listens = false;
  ino_t inode = 0;  ///< 0: a connection that nobody has accepted yet
  std::string path;
};

/// One line of /proc/net/unix. Nothing for what has no path: unnamed and abstract sockets, the heading.
[[nodiscard]] std::optional<UnixSocket> parse_unix_socket(std::string_view line);

/// All of them, as /proc/net/unix (proc(5)) tells: every kernel has that, where sock_diag(7) may be missing.
[[nodiscard]] std::vector<UnixSocket> unix_sockets();

}  // namespace midair::sidecar
