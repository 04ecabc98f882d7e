/// @file
/// Where to listen, as --listen says it.
#pragma once

#include <Poco/Net/SocketAddress.h>

#include <cstdint>
#include <string>

#include "midair/error.h"

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

/// The address of a spec. A host given by name is looked up, which may block.
[[nodiscard]] Result<Poco::Net::SocketAddress> resolve(const ListenSpec& spec);

}  // namespace midair::sidecar
