/// @file
/// Any bytes as what the kernel says of its sockets: what is accepted is of TCP, and no more than the bytes can hold.
#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstring>

#include "connections/diag_answer.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  constexpr std::uint32_t kSequence = 7;
  std::string datagram(text_of(data, size));
  // The parser skips what answers another question, and the fuzzer is to get further than that.
  if (size >= sizeof(nlmsghdr))
    std::memcpy(datagram.data() + offsetof(nlmsghdr, nlmsg_seq), &kSequence, sizeof kSequence);
  const auto answer = parse_diag_answer(datagram, kSequence);
  if (!answer.ok()) return 0;
  require(answer->connections.size() <= size / (sizeof(nlmsghdr) + sizeof(inet_diag_msg)));
  for (const Connection& connection : answer->connections) {
    require(connection.state >= TcpState::established && connection.state <= TcpState::closing);
    // Of the fields of tcp_info none is known without those before it.
    require(!connection.bytes_sent || connection.bytes_received);
    require(!connection.bytes_received || connection.last_data_recv);
    require(connection.last_data_recv.has_value() <= connection.last_data_sent.has_value());
    require(connection.last_data_sent.has_value() <= connection.unacked.has_value());
  }
  return 0;
}
