#include "connections/connection.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace midair::sidecar {

namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291, 2.5.5.2

}  // namespace

std::array<std::uint8_t, 16> mapped_address(const in_addr& ipv4) {
  std::array<std::uint8_t, 16> address{};
  std::ranges::copy(kIpv4Prefix, address.begin());
  std::memcpy(&address[kIpv4Prefix.size()], &ipv4, sizeof ipv4);
  return address;
}

std::optional<Endpoint> endpoint_of(const sockaddr_storage& address) {
  Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof ipv4);
    endpoint.address = mapped_address(ipv4.sin_addr);
    endpoint.port = ntohs(ipv4.sin_port);
    return endpoint;
  }
  if (address.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, &address, sizeof ipv6);
  std::memcpy(endpoint.address.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
  endpoint.port = ntohs(ipv6.sin6_port);
  endpoint.interface = ipv6.sin6_scope_id;
  return endpoint;
}

bool is_ipv4(const Endpoint& endpoint) {
  return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), endpoint.address.begin());
}

}  // namespace midair::sidecar
