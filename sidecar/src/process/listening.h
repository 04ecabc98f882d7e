/// @file
/// On which addresses processes listen, as the kernel tells it.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace midair::sidecar {

/// A listening TCP socket of this network namespace.
struct ListeningSocket {
  Poco::Net::SocketAddress address;
  unsigned long waiting = 0;  ///< connections that nobody has accepted yet
  ino_t inode = 0;
};

/// Reads a line of /proc/net/tcp or tcp6 (proc(5)). Nothing if it isn't that of a listening socket.
[[nodiscard]] std::optional<ListeningSocket> parse_listening(const std::string& line);

/// A process that has a listening socket open. Others may have the same one: whoever inherited it.
struct Listener {
  pid_t pid = 0;
  ListeningSocket socket;
};

/// All listening TCP sockets that these processes have open. Of processes whose descriptors may not be read: none.
[[nodiscard]] std::vector<Listener> listeners_among(const std::vector<pid_t>& pids);

}  // namespace midair::sidecar
