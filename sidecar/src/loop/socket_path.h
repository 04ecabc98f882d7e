/// @file
/// The place of a Unix socket in the file system.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "midair/error.h"

namespace midair::sidecar {

/// Owner of a path to which a socket is bound. Removes it at its end, unless something else stands there by then.
class SocketPath {
 public:
  /// Binds `socket` to `path`, which has that mode from its first moment, in place of a socket of this user's on which
  /// nobody listens any more. What else stands there is left alone and an error: Errc::refused. Errc::bad_input if the
  /// path is too long (107 bytes).
  [[nodiscard]] static Result<SocketPath> bind(int socket, const std::filesystem::path& path, mode_t mode);
  SocketPath(SocketPath&& other) noexcept;
  SocketPath& operator=(SocketPath&&) = delete;
  ~SocketPath();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  SocketPath(std::filesystem::path path, dev_t device, ino_t inode)
      : path_(std::move(path)), device_(device), inode_(inode) {}

  std::filesystem::path path_;  ///< empty once moved away
  dev_t device_;
  ino_t inode_;
};

/// Removes a socket of this user's at `path` on which nobody listens any more; fine if nothing is there. Errc::refused,
/// and nothing is removed, if something else stands there.
[[nodiscard]] Result<void> remove_dead_socket(const std::filesystem::path& path);

}  // namespace midair::sidecar
