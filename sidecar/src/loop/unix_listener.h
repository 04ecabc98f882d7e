/// @file
/// Listening on a path.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "loop/socket_path.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// A socket that listens, and its place.
struct UnixListener {
  Fd fd;
  SocketPath place;
};

/// A non-blocking Unix stream socket that listens at `path`, as SocketPath::bind() puts it there.
[[nodiscard]] Result<UnixListener> listen_at(const std::filesystem::path& path, mode_t mode, int backlog);

}  // namespace midair::sidecar
