/// @file
/// One descriptor from process to process.
#pragma once

#include <chrono>

#include "midair/fd.h"

namespace midair::sidecar {

/// Sends a descriptor over a connected Unix socket. False and errno if that fails. Makes system calls only.
bool send_fd(int connection, int fd) noexcept;

/// Waits for a descriptor, at most that long, and gives it O_CLOEXEC. None if the other side has hung up instead.
[[nodiscard]] Fd receive_fd(int connection, std::chrono::milliseconds limit);

}  // namespace midair::sidecar
