#include "loop/socket_path.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "loop/unix_address.h"
#include "midair/fd.h"

namespace midair::sidecar {

namespace {

Error occupied(const std::filesystem::path& path, std::string cause) {
  return {Errc::refused, "put a socket at", path.string(), std::move(cause), "choose another --control or --state-dir"};
}

/// Whatever kind of socket it is: only one that nobody holds any more refuses a connection.
bool is_dead(const UnixAddress& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), address.get(), address.size()) != 0 && errno == ECONNREFUSED;
}

}  // namespace

Result<void> remove_dead_socket(const std::filesystem::path& path) {
  MIDAIR_TRY_ASSIGN(const UnixAddress address, unix_address(path));
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(errno, "inspect", path.string());
  }
  if (!S_ISSOCK(status.st_mode)) return occupied(path, "something is there that is no socket");
  if (status.st_uid != ::geteuid()) return occupied(path, "the socket there belongs to another user");
  if (!is_dead(address)) return occupied(path, "somebody listens there");
  if (::unlink(path.c_str()) != 0) return system_error(errno, "remove", path.string());
  return {};
}

Result<SocketPath> SocketPath::bind(int socket, const std::filesystem::path& path, mode_t mode) {
  MIDAIR_TRY_ASSIGN(const UnixAddress address, unix_address(path));
  MIDAIR_TRY(remove_dead_socket(path));
  struct stat status {};
  // The mode of the socket file follows from that of the descriptor: no moment in which others than those of `mode`
  // could connect. The umask takes some of it away again.
  if (::fchmod(socket, mode) != 0 || ::bind(socket, address.get(), address.size()) != 0 ||
      ::lstat(path.c_str(), &status) != 0)
    return system_error(errno, "open the socket", path.string());
  SocketPath bound(path, status.st_dev, status.st_ino);
  if (::chmod(path.c_str(), mode) != 0) return system_error(errno, "open the socket", path.string());
  return bound;
}

SocketPath::SocketPath(SocketPath&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketPath::~SocketPath() {
  struct stat status {};
  const bool ours = !path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
                    status.st_ino == inode_ && S_ISSOCK(status.st_mode);
  if (ours) ::unlink(path_.c_str());
}

}  // namespace midair::sidecar
