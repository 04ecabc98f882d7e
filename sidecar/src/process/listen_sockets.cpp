#include "process/listen_sockets.h"

#include <Poco/Exception.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "process/fd_store.h"

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

Result<SocketAddress> resolve(const ListenSpec& spec) {
  try {
    return SocketAddress(spec.host, spec.port);
  } catch (const Poco::Exception& e) {
    return Error{Errc::bad_input, "listen on", spec.host, e.displayText(),
                 "an address of this machine, such as 0.0.0.0"};
  }
}

Result<SocketAddress> bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &size) != 0) return system_error(errno, "ask for the address of", "a socket");
  return SocketAddress(address, size);
}

void set_flag(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

Result<Fd> listen_on(const SocketAddress& address) {
  Fd fd(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error(errno, "listen on", address.toString());
  set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.af() == AF_INET6) set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(fd.get(), address.addr(), address.length()) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    Error error = system_error(errno, "listen on", address.toString());
    if (error.sys == EADDRINUSE)
      error.hint = "stop what else listens there ([::] takes IPv4 too), or choose another port";
    return error;
  }
  return fd;
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

Result<ListenSockets> ListenSockets::open(const std::vector<ListenSpec>& specs) {
  ListenSockets sockets;
  for (const ListenSpec& spec : specs) MIDAIR_TRY(sockets.add(spec));
  return sockets;
}

Result<void> ListenSockets::add(const ListenSpec& spec) {
  MIDAIR_TRY_ASSIGN(const SocketAddress wanted, resolve(spec));
  MIDAIR_TRY_ASSIGN(Fd fd, listen_on(wanted));
  MIDAIR_TRY_ASSIGN(const SocketAddress bound, bound_address(fd.get()));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error(errno, "inspect the socket", bound.toString());
  named_.emplace_back(spec.name, fd.get());
  inodes_.push_back(status.st_ino);
  addresses_.push_back(bound);
  fds_.push_back(std::move(fd));
  return {};
}

const SocketAddress* ListenSockets::address_of(const std::string& name) const noexcept {
  for (std::size_t i = 0; i < named_.size(); ++i)
    if (named_[i].first == name) return &addresses_[i];
  return nullptr;
}

std::uint16_t ListenSockets::port_of(const std::string& name) const noexcept {
  const SocketAddress* const address = address_of(name);
  return address != nullptr ? address->port() : 0;
}

}  // namespace midair::sidecar
