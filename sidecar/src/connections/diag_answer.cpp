#include "connections/diag_answer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace midair::sidecar {

namespace {

/// Where fields stand in the kernel's struct tcp_info, which grows at its end only. Its header, linux/tcp.h, can't be
/// included beside netinet/tcp.h, which Poco includes.
constexpr std::size_t kUnacked = 24;
constexpr std::size_t kLastDataSent = 44;
constexpr std::size_t kLastDataRecv = 52;
constexpr std::size_t kBytesReceived = 128;
constexpr std::size_t kNotSent = 144;
constexpr std::size_t kMinRtt = 148;
constexpr std::size_t kBytesSent = 200;

Error corrupt(std::string cause) {
  return {Errc::corrupt, "read", "what the kernel says of its sockets", std::move(cause)};
}

/// The `Value` at `offset`. Nothing where the bytes end before it does.
template <class Value>
std::optional<Value> value_at(std::string_view bytes, std::size_t offset) {
  if (bytes.size() < sizeof(Value) || offset > bytes.size() - sizeof(Value)) return std::nullopt;
  Value value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::optional<std::chrono::milliseconds> age_at(std::string_view info, std::size_t offset) {
  const auto age = value_at<std::uint32_t>(info, offset);
  return age ? std::optional(std::chrono::milliseconds(*age)) : std::nullopt;
}

void read_tcp_info(std::string_view info, Connection& connection) {
  connection.unacked = value_at<std::uint32_t>(info, kUnacked);
  connection.last_data_sent = age_at(info, kLastDataSent);
  connection.last_data_recv = age_at(info, kLastDataRecv);
  connection.bytes_received = value_at<std::uint64_t>(info, kBytesReceived);
  connection.not_sent = value_at<std::uint32_t>(info, kNotSent);
  if (const auto rtt = value_at<std::uint32_t>(info, kMinRtt)) connection.min_rtt = std::chrono::microseconds(*rtt);
  connection.bytes_sent = value_at<std::uint64_t>(info, kBytesSent);
}

Endpoint endpoint_at(std::uint8_t family, const __be32 (&address)[4], __be16 port, std::uint32_t interface) {
  Endpoint endpoint;
  if (family == AF_INET6) {
    std::memcpy(endpoint.address.data(), &address, endpoint.address.size());
  } else {
    endpoint.address = mapped_address({address[0]});
  }
  endpoint.port = ntohs(port);
  endpoint.interface = interface;
  return endpoint;
}

/// Takes what has `length` bytes from the front, and the padding behind it, as far as there is any.
std::string_view take(std::string_view& bytes, std::size_t length) {
  const std::string_view taken = bytes.substr(0, length);
  bytes.remove_prefix(std::min(bytes.size(), (length + 3) & ~std::size_t(3)));
  return taken;
}

Result<void> read_attributes(std::string_view attributes, Connection& connection) {
  while (!attributes.empty()) {
    const auto header = value_at<rtattr>(attributes, 0);
    if (!header || header->rta_len < sizeof(rtattr) || header->rta_len > attributes.size())
      return corrupt("an attribute doesn't have the length that it names");
    const std::string_view attribute = take(attributes, header->rta_len);
    if (header->rta_type == INET_DIAG_INFO) read_tcp_info(attribute.substr(sizeof(rtattr)), connection);
  }
  return {};
}

Result<Connection> read_connection(std::string_view payload) {
  const auto message = value_at<inet_diag_msg>(payload, 0);
  if (!message) return corrupt("a connection's description is too short");
  if (message->idiag_family != AF_INET && message->idiag_family != AF_INET6)
    return corrupt("a connection is neither of IPv4 nor of IPv6");
  if (message->idiag_state < static_cast<std::uint8_t>(TcpState::established) ||
      message->idiag_state > static_cast<std::uint8_t>(TcpState::closing))
    return corrupt("a connection is in no state of TCP");
  const inet_diag_sockid& id = message->id;
  Connection connection;
  connection.local = endpoint_at(message->idiag_family, id.idiag_src, id.idiag_sport, id.idiag_if);
  connection.remote = endpoint_at(message->idiag_family, id.idiag_dst, id.idiag_dport, 0);
  connection.state = static_cast<TcpState>(message->idiag_state);
  connection.inode = message->idiag_inode;
  connection.rqueue = message->idiag_rqueue;
  connection.wqueue = message->idiag_wqueue;
  MIDAIR_TRY(read_attributes(payload.substr(sizeof(inet_diag_msg)), connection));
  return connection;
}

/// The errno that an NLMSG_ERROR, and an NLMSG_DONE, begins with, negative; 0 is none.
Result<void> read_error(std::string_view payload) {
  const auto code = value_at<std::int32_t>(payload, 0);
  constexpr std::int32_t kMaxErrno = 4095;  // MAX_ERRNO of the kernel
  if (!code || *code > 0 || *code < -kMaxErrno) return corrupt("an error has no code");
  if (*code == 0) return {};
  return system_error(-*code, "ask the kernel for", "TCP connections");
}

Result<void> read_message(std::uint16_t type, std::string_view payload, DiagAnswer& answer) {
  switch (type) {
    case NLMSG_ERROR:
    case NLMSG_DONE: answer.complete = true; return read_error(payload);
    case SOCK_DIAG_BY_FAMILY: {
      MIDAIR_TRY_ASSIGN(Connection connection, read_connection(payload));
      answer.connections.push_back(connection);
      return {};
    }
    default: return type < NLMSG_MIN_TYPE ? Result<void>() : corrupt("a message is of another type");
  }
}

}  // namespace

Result<DiagAnswer> parse_diag_answer(std::string_view datagram, std::uint32_t sequence) {
  DiagAnswer answer;
  while (!datagram.empty()) {
    const auto header = value_at<nlmsghdr>(datagram, 0);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size())
      return corrupt("a message doesn't have the length that it names");
    const std::string_view payload = take(datagram, header->nlmsg_len).substr(sizeof(nlmsghdr));
    if (header->nlmsg_seq != sequence) continue;
    MIDAIR_TRY(read_message(header->nlmsg_type, payload, answer));
    if ((header->nlmsg_flags & NLM_F_MULTI) == 0) answer.complete = true;
  }
  return answer;
}

}  // namespace midair::sidecar
