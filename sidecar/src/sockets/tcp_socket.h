/// @file
/// What can be asked of a TCP socket.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <optional>

#include "midair/error.h"

namespace midair::sidecar {

/// Facts about a TCP socket, as far as a group has to know them.
struct TcpSocket {
  Poco::Net::SocketAddress address;
  bool v6_only = false;  ///< see is_v6_only()
  ino_t inode = 0;
  uid_t owner = 0;
};

/// The address itself, or the IPv4 address that it maps (RFC 4291, 2.5.5.2), as Java binds one: its clients use IPv4.
[[nodiscard]] Poco::Net::SocketAddress unmapped(const Poco::Net::SocketAddress& address);

/// What IPV6_V6ONLY comes to at that address: of IPv6 only a wildcard may take IPv4 too, and a mapped address does
/// (__inet6_bind() in net/ipv6/af_inet6.c sets the option at any other).
[[nodiscard]] bool is_v6_only(const Poco::Net::SocketAddress& address, bool option);

/// Errc::bad_input if `fd` is no TCP (or MPTCP) socket of IPv4 or IPv6.
[[nodiscard]] Result<TcpSocket> tcp_socket(int fd);

/// How many connections wait in the queue of a listening socket; nothing if it doesn't listen (`tcpi_unacked` of a
/// listener, net/ipv4/tcp.c).
[[nodiscard]] std::optional<unsigned> waiting_clients(int listener);

}  // namespace midair::sidecar
