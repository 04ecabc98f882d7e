/// @file
/// Real TCP sockets on loopback, for tests.
#pragma once

#include <arpa/inet.h>
#include <cppunit/TestAssert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <string_view>

#include "connections/connection.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// The loopback address with a port; `::` for IPv6 if `is_wildcard`.
inline sockaddr_storage loopback(int family, std::uint16_t port, bool is_wildcard = false) {
  sockaddr_storage storage{};
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memcpy(&storage, &address, sizeof address);
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = is_wildcard ? in6addr_any : in6addr_loopback;
    std::memcpy(&storage, &address, sizeof address);
  }
  return storage;
}

inline Endpoint end_of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  CPPUNIT_ASSERT_EQUAL(0, name(fd, reinterpret_cast<sockaddr*>(&address), &size));
  const auto end = endpoint_of(address);
  CPPUNIT_ASSERT(end.has_value());
  return *end;
}
inline Endpoint local_end(int fd) { return end_of(fd, &::getsockname); }
inline Endpoint remote_end(int fd) { return end_of(fd, &::getpeername); }
inline std::uint16_t port_of(const Fd& socket) { return local_end(socket.get()).port; }

inline ino_t inode_of(const Fd& fd) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL(0, ::fstat(fd.get(), &status));
  return status.st_ino;
}

/// A listening socket with a port of its own. None if the kernel doesn't have that protocol.
inline Fd listen_on(int family, int protocol = IPPROTO_TCP, bool is_wildcard = false) {
  Fd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol));
  if (!listener) return listener;
  const sockaddr_storage address = loopback(family, 0, is_wildcard);
  CPPUNIT_ASSERT_EQUAL(0, ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  CPPUNIT_ASSERT_EQUAL(0, ::listen(listener.get(), 1000));
  return listener;
}

/// A connection to a port of loopback.
inline Fd connect_to(std::uint16_t port, int family = AF_INET, int protocol = IPPROTO_TCP) {
  Fd client(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol));
  const sockaddr_storage address = loopback(family, port);
  CPPUNIT_ASSERT_EQUAL(0, ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return client;
}

inline Fd accept_from(const Fd& listener) {
  Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  CPPUNIT_ASSERT(static_cast<bool>(accepted));
  return accepted;
}

inline void send_text(const Fd& socket, std::string_view text) {
  CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(text.size()), ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL));
}

}  // namespace midair::sidecar
