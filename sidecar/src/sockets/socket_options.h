/// @file
/// Options of sockets that are numbers.
#pragma once

#include <sys/socket.h>

namespace midair::sidecar {

/// setsockopt(2). What the kernel doesn't know stays as it is.
inline void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

/// getsockopt(2); -1 if the kernel doesn't tell.
[[nodiscard]] inline int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

}  // namespace midair::sidecar
