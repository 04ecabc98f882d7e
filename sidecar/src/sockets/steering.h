/// @file
/// Which listening socket of a reuseport group gets a new connection.
#pragma once

#include <Poco/Net/SocketAddress.h>

#include <optional>
#include <vector>

#include "midair/error.h"

namespace midair::sidecar {

/// Connections from one address *and* port go to a place of their own.
struct Detour {
  Poco::Net::SocketAddress from;
  unsigned place = 0;
};

/// Where the connections of a group of listening sockets go. A place is a socket's number in the group: in the order of
/// listen(2), from 0, where a socket that leaves is replaced by the last (socket(7), SO_ATTACH_REUSEPORT_CBPF).
struct Steering {
  std::vector<unsigned> places;  ///< at least one; of several, one by chance for each connection
  std::optional<Detour> detour{};
};

/// Steers the group of `member`, which listens and isn't an MPTCP socket: one system call, from one connection to the
/// next. Later members inherit it. Without privileges, from Linux 4.6 on. Takes at most some 1,000 places.
[[nodiscard]] Result<void> steer(int member, const Steering& steering);

}  // namespace midair::sidecar
