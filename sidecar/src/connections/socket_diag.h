/// @file
/// Asks the kernel for its TCP connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "connections/connection.h"
#include "connections/diag_answer.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Owner of a netlink socket of sock_diag(7); any user may have one. It sees the connections of its own network
/// namespace, MPTCP ones by each of the TCP connections that carry them.
///
/// Never waits: the kernel answers within the call that asks. For one thread at a time.
class SocketDiag {
 public:
  /// Errc::io where the kernel has no sock_diag.
  [[nodiscard]] static Result<SocketDiag> open();

  /// Every connection with one of these local ports, in the order of its ends; neither listening sockets nor what is in
  /// TIME_WAIT. It is no snapshot: what begins or ends meanwhile may be missing. The kernel takes some ms for each port
  /// to go through its table, and about 2 us for each connection. Errc::timeout after 100 ms of processor time for one
  /// port and family.
  [[nodiscard]] Result<std::vector<Connection>> dump(const std::vector<std::uint16_t>& ports);

  /// The one connection with these ends, seen from `local`; nothing if there is none. Takes some microseconds. Its
  /// inode is 0 while it waits in an accept queue.
  [[nodiscard]] Result<std::optional<Connection>> find(const Endpoint& local, const Endpoint& remote);

 private:
  struct Question;

  explicit SocketDiag(Fd socket);
  Result<void> ask(Question& question, const std::function<void(const Connection&)>& on_connection);
  Result<std::string_view> receive(int socket);

  Fd socket_;  // none after a failure: what is left of an unfinished answer goes with it
  std::vector<char> buffer_;
  std::uint32_t sequence_ = 0;
};

}  // namespace midair::sidecar
