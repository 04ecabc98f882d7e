/// @file
/// The listening sockets: the sidecar's own, lent to every generation of the app, so that no connection is lost
/// between two of them.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Where to listen, and under which name the app finds it in LISTEN_FDNAMES.
struct ListenSpec {
  std::string name;
  std::string host;  ///< an address without brackets, or a name that resolves to one
  std::uint16_t port = 0;
};

/// Reads "[NAME=]HOST:PORT", an IPv6 address in brackets: "0.0.0.0:8080", "admin=[::1]:9000". NAME defaults to "http".
/// Names are those of descriptors (see is_descriptor_name). They need not be unique: as with systemd, sockets of one
/// name are several addresses of one service.
[[nodiscard]] Result<ListenSpec> parse_listen_spec(const std::string& text);

/// Owner of the listening TCP sockets: bound once, open for as long as the sidecar runs, so the kernel's queue keeps
/// clients waiting while no app accepts.
///
/// SO_REUSEADDR, backlog SOMAXCONN, never SO_REUSEPORT (a closed member's queue would be reset). Blocking, as
/// socket-activated apps expect; the flag belongs to the open socket, so what one generation sets, the next one sees.
/// An IPv6 wildcard takes IPv4 too.
class ListenSockets {
 public:
  /// Binds all or none. A host given by name is looked up, which may block.
  [[nodiscard]] static Result<ListenSockets> open(const std::vector<ListenSpec>& specs);

  /// Name and descriptor of each, in the order of the specs. Descriptors stay owned here.
  [[nodiscard]] const std::vector<std::pair<std::string, int>>& named() const noexcept { return named_; }
  /// The inode of each, as /proc/PID/fd shows it ("socket:[INODE]").
  [[nodiscard]] const std::vector<ino_t>& inodes() const noexcept { return inodes_; }
  /// Where the first socket of that name is bound, also if the spec's port was 0; nullptr if there is none.
  [[nodiscard]] const Poco::Net::SocketAddress* address_of(const std::string& name) const noexcept;
  /// The port of address_of(name), or 0.
  [[nodiscard]] std::uint16_t port_of(const std::string& name) const noexcept;

 private:
  ListenSockets() = default;
  [[nodiscard]] Result<void> add(const ListenSpec& spec);

  std::vector<Fd> fds_;
  std::vector<std::pair<std::string, int>> named_;
  std::vector<ino_t> inodes_;
  std::vector<Poco::Net::SocketAddress> addresses_;
};

}  // namespace midair::sidecar
