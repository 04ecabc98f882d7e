#include "loop/unix_listener.h"

#include <sys/socket.h>

#include <cerrno>

namespace midair::sidecar {

Result<UnixListener> listen_at(const std::filesystem::path& path, mode_t mode, int backlog) {
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return system_error(errno, "create the socket", path.string());
  MIDAIR_TRY_ASSIGN(SocketPath place, SocketPath::bind(listener.get(), path, mode));
  if (::listen(listener.get(), backlog) != 0) return system_error(errno, "open the socket", path.string());
  return UnixListener{std::move(listener), std::move(place)};
}

}  // namespace midair::sidecar
