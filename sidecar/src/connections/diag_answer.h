/// @file
/// The bytes in which the kernel answers questions about sockets: sock_diag(7), netlink(7).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "connections/connection.h"
#include "midair/error.h"

namespace midair::sidecar {

/// What one datagram says.
struct DiagAnswer {
  std::vector<Connection> connections;  ///< in the order in which they stand there
  bool complete = false;                ///< nothing follows in another datagram
};

/// Reads the messages of one datagram that answer the question of that number; others are skipped. Errc::corrupt if
/// what stands there doesn't keep to the format, Errc::not_found if the kernel says that there is no such socket, its
/// other errors as system_error() has them. Safe on any bytes.
[[nodiscard]] Result<DiagAnswer> parse_diag_answer(std::string_view datagram, std::uint32_t sequence);

}  // namespace midair::sidecar
