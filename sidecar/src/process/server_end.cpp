#include "process/server_end.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "loop/unix_table.h"

namespace midair::sidecar {

namespace {

/// The port of the near end, or of the far one; 0 if there is none. Ports lie at the same place for IPv4 and IPv6.
unsigned port_of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  return name(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? ntohs(address.sin6_port) : 0;
}

/// The two ports name the connection: of all connections to the server's port only ours comes from our port of this
/// host, for as long as we hold it.
std::optional<ino_t> find(const char* table, unsigned server_port, unsigned client_port) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(table, "re"), &std::fclose);
  if (!file) return std::nullopt;
  char line[512];
  while (std::fgets(line, sizeof line, file.get()) != nullptr) {
    unsigned local = 0;
    unsigned remote = 0;
    unsigned long inode = 0;
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
    const int fields = std::sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x %*d %*d %lu",
                                   &local, &remote, &inode);
    if (fields == 3 && local == server_port && remote == client_port) return static_cast<ino_t>(inode);
  }
  return std::nullopt;
}

/// Its ends bear the name of the listening socket. Which of them is ours isn't told: it may be one that waits.
std::optional<ino_t> unix_server_end(const std::string& name) {
  std::optional<ino_t> inode;
  for (const UnixSocket& socket : unix_sockets()) {
    if (socket.listens || socket.path != name) continue;
    inode = socket.inode;
    if (socket.inode == 0) break;
  }
  return inode;
}

}  // namespace

std::optional<ino_t> server_end_of(int client_fd) {
  sockaddr_un peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(client_fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sun_family == AF_UNIX)
    return unix_server_end({peer.sun_path, ::strnlen(peer.sun_path, sizeof peer.sun_path)});
  const unsigned server_port = port_of(client_fd, &::getpeername);
  const unsigned client_port = port_of(client_fd, &::getsockname);
  if (server_port == 0 || client_port == 0) return std::nullopt;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (const auto inode = find(table, server_port, client_port)) return inode;
  return std::nullopt;
}

}  // namespace midair::sidecar
