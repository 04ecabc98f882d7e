#include "sockets/listen_spec.h"

#include <Poco/Exception.h>

#include <charconv>
#include <optional>

#include "sockets/descriptor_name.h"

namespace midair::sidecar {

namespace {

using Poco::Net::SocketAddress;

Error bad_spec(const std::string& text, std::string cause) {
  return {Errc::bad_input, "listen on", text, std::move(cause),
          "[NAME=]HOST:PORT, such as 0.0.0.0:8080 or admin=[::1]:9000"};
}

/// "[::1]" -> "::1"; nothing if brackets and colons do not fit.
std::optional<std::string> unbracketed(const std::string& host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  if (host.find_first_of("[]:") != std::string::npos) return std::nullopt;
  return host;
}

}  // namespace

Result<ListenSpec> parse_listen_spec(const std::string& text) {
  ListenSpec spec{"http", {}, 0};
  std::string address = text;
  if (const auto equals = text.find('='); equals != std::string::npos) {
    spec.name = text.substr(0, equals);
    address = text.substr(equals + 1);
    if (!is_descriptor_name(spec.name)) return bad_spec(text, "the name must be printable ASCII without ':'");
  }
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return bad_spec(text, "there is no port");
  const auto host = unbracketed(address.substr(0, colon));
  if (!host) return bad_spec(text, "an IPv6 address must stand in brackets");
  if (host->empty()) return bad_spec(text, "there is no address");
  spec.host = *host;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, spec.port);
  if (error != std::errc() || stop != end) return bad_spec(text, "the port is not a number from 0 to 65535");
  return spec;
}

Result<SocketAddress> resolve(const ListenSpec& spec) {
  try {
    return SocketAddress(spec.host, spec.port);
  } catch (const Poco::Exception& e) {
    return Error{Errc::bad_input, "listen on", spec.host, e.displayText(),
                 "an address of this machine, such as 0.0.0.0"};
  }
}

}  // namespace midair::sidecar
