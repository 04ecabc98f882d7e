#include "loop/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "loop/unix_address.h"

namespace midair::sidecar {

Result<Fd> listen_at(const std::filesystem::path& path, mode_t mode, int backlog) {
  MIDAIR_TRY_ASSIGN(const UnixAddress address, unix_address(path));
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return system_error(errno, "create the socket", path.string());
  ::unlink(path.c_str());
  // The mode of the socket file follows from that of the descriptor: no moment in which others than those of `mode`
  // could connect. The umask takes some of it away again.
  if (::fchmod(listener.get(), mode) != 0 || ::bind(listener.get(), address.get(), address.size()) != 0 ||
      ::chmod(path.c_str(), mode) != 0 || ::listen(listener.get(), backlog) != 0)
    return system_error(errno, "open the socket", path.string());
  return listener;
}

}  // namespace midair::sidecar
