/// @file
/// A TCP connection as the kernel tells of it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>

namespace midair::sidecar {

/// One end of a connection. IPv4 addresses are written as IPv6 ones (::ffff:a.b.c.d), as the kernel shows those of a
/// socket for both families: so an end has one form only.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};  ///< in network order
  std::uint16_t port = 0;                  ///< in host order
  /// Index of the interface that the socket is bound to, which a link-local address needs; 0: none.
  std::uint32_t interface = 0;

  auto operator<=>(const Endpoint&) const = default;  // NOLINT(modernize-use-nullptr): it takes its 0 for a pointer
};

/// What getsockname(2) or getpeername(2) has told. Nothing for another family than IPv4 and IPv6.
[[nodiscard]] std::optional<Endpoint> endpoint_of(const sockaddr_storage& address);

/// An IPv4 address in the form of Endpoint::address.
[[nodiscard]] std::array<std::uint8_t, 16> mapped_address(const in_addr& ipv4);

/// True for an IPv4 address, or an IPv6 one that stands for it.
[[nodiscard]] bool is_ipv4(const Endpoint& endpoint);

/// The kernel's numbers (enum in its include/net/tcp_states.h).
enum class TcpState : std::uint8_t {
  established = 1,
  syn_sent,
  syn_received,
  fin_wait_1,
  fin_wait_2,
  time_wait,
  closed,
  close_wait,
  last_ack,
  listen,
  closing,
};

/// One connection at one moment. What a kernel doesn't tell is nothing; the fields of tcp_info are missing on older
/// ones (`bytes_sent` came last, with 4.19) and before a connection is established.
struct Connection {
  Endpoint local;
  Endpoint remote;
  TcpState state = TcpState::closed;
  ino_t inode = 0;           ///< of its socket; 0 in an accept queue, and once no process holds it
  std::uint32_t rqueue = 0;  ///< bytes received that the app hasn't read, a FIN counted
  std::uint32_t wqueue = 0;  ///< bytes written that the peer hasn't acknowledged, a FIN counted

  std::optional<std::uint32_t> unacked{};                     ///< segments sent that the peer hasn't acknowledged
  std::optional<std::uint32_t> not_sent{};                    ///< bytes written that still wait here
  std::optional<std::chrono::microseconds> min_rtt{};         ///< to the peer and back, at best
  std::optional<std::uint64_t> bytes_received{};              ///< in all
  std::optional<std::uint64_t> bytes_sent{};                  ///< in all, what was sent again too
  std::optional<std::chrono::milliseconds> last_data_sent{};  ///< how long ago; counts from its beginning if never
  std::optional<std::chrono::milliseconds> last_data_recv{};  ///< the same for what was received
};

}  // namespace midair::sidecar
