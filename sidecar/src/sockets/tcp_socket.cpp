#include "sockets/tcp_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "sockets/socket_options.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

Result<SocketAddress> bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &size) != 0) return system_error(errno, "ask for the address of", "a socket");
  return SocketAddress(address, size);
}

}  // namespace

SocketAddress unmapped(const SocketAddress& address) {
  if (address.af() != AF_INET6 || !address.host().isIPv4Mapped()) return address;
  const auto& ip6 = reinterpret_cast<const sockaddr_in6*>(address.addr())->sin6_addr;
  constexpr std::size_t kIp4At = 12;
  return {Poco::Net::IPAddress(&ip6.s6_addr[kIp4At], sizeof(in_addr)), address.port()};
}

bool is_v6_only(const SocketAddress& address, bool option) {
  return address.af() == AF_INET6 && (option || !(address.host().isWildcard() || address.host().isIPv4Mapped()));
}

Result<TcpSocket> tcp_socket(int fd) {
  const int family = option(fd, SOL_SOCKET, SO_DOMAIN);
  const int protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
  struct stat status {};
  if ((family != AF_INET && family != AF_INET6) || (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
      ::fstat(fd, &status) != 0)
    return Error{Errc::bad_input, "adopt", "a socket", "it is not of TCP"};
  MIDAIR_TRY_ASSIGN(const SocketAddress address, bound_address(fd));
  return TcpSocket{address, is_v6_only(address, option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1), status.st_ino,
                   status.st_uid};
}

std::optional<unsigned> waiting_clients(int listener) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_state != TCP_LISTEN)
    return std::nullopt;
  return info.tcpi_unacked;
}

}  // namespace midair::sidecar
