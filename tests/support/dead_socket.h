/// @file
/// What a process that was killed leaves in the file system.
#pragma once

#include <cppunit/TestAssert.h>
#include <sys/socket.h>

#include <filesystem>

#include "loop/unix_address.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Leaves a socket of that type at `path` that nobody holds any more.
inline void leave_dead_socket(const std::filesystem::path& path, int type) {
  const UnixAddress address(path.string());
  const Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  CPPUNIT_ASSERT_EQUAL(0, ::bind(socket.get(), address.get(), address.size()));
}

}  // namespace midair::sidecar
