/// @file
/// Listening on a path.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// A non-blocking Unix stream socket that listens at `path` with that mode from its first moment, in place of a socket
/// that a dead sidecar left there. Errc::bad_input if the path is too long (107 bytes). The caller removes the path.
[[nodiscard]] Result<Fd> listen_at(const std::filesystem::path& path, mode_t mode, int backlog);

}  // namespace midair::sidecar
