#include "connections/socket_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <tuple>
#include <utility>

namespace midair::sidecar {

namespace {

constexpr std::chrono::milliseconds kTimeForAnswer{100};
constexpr std::size_t kMaxDatagram = 32 * 1024;  // a dump comes in pieces of at most 32 KiB (netlink_recvmsg())
constexpr const char* kAsk = "ask the kernel for";
constexpr const char* kConnections = "TCP connections";

/// Neither listening, nor over for its process.
bool is_connection(TcpState state) {
  return state != TcpState::listen && state != TcpState::time_wait && state != TcpState::closed;
}

std::uint32_t states_of_connections() {
  std::uint32_t states = 0;
  for (unsigned state = static_cast<unsigned>(TcpState::established); state <= static_cast<unsigned>(TcpState::closing);
       ++state)
    if (is_connection(static_cast<TcpState>(state))) states |= 1U << state;
  return states;
}

void put_address(const Endpoint& endpoint, __be32 (&address)[4]) {
  if (is_ipv4(endpoint))
    std::memcpy(&address[0], &endpoint.address[12], sizeof address[0]);
  else
    std::memcpy(&address, endpoint.address.data(), sizeof address);
}

auto ends_of(const Connection& connection) { return std::tie(connection.local, connection.remote); }

bool is_same_end(const Endpoint& a, const Endpoint& b) { return a.address == b.address && a.port == b.port; }

/// What this thread has used. An answer is work, not waiting: on a busy machine it takes no more of it.
std::chrono::nanoseconds processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Result<Fd> open_socket() {
  Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (!socket) return system_error(errno, kAsk, kConnections);
  return socket;
}

}  // namespace

/// The message that asks, as it is sent.
struct SocketDiag::Question {
  nlmsghdr header{};
  inet_diag_req_v2 request{};

  Question(std::uint8_t family, std::uint16_t flags) {
    header.nlmsg_len = sizeof *this;
    header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_ext = 1U << (INET_DIAG_INFO - 1);
    request.idiag_states = states_of_connections();
    request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  }
};

SocketDiag::SocketDiag(Fd socket) : socket_(std::move(socket)), buffer_(kMaxDatagram) {}

Result<SocketDiag> SocketDiag::open() {
  MIDAIR_TRY_ASSIGN(Fd socket, open_socket());
  return SocketDiag(std::move(socket));
}

Result<std::vector<Connection>> SocketDiag::dump(const std::vector<std::uint16_t>& ports) {
  std::vector<Connection> connections;
  for (const std::uint16_t port : ports) {
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
      Question question(family, NLM_F_DUMP);
      question.request.id.idiag_sport = htons(port);
      MIDAIR_TRY(ask(question, [&](const Connection& connection) {
        if (connection.local.port == port && is_connection(connection.state)) connections.push_back(connection);
      }));
    }
  }
  // While the kernel's table changes, it may tell of one connection twice.
  std::sort(connections.begin(), connections.end(),
            [](const Connection& a, const Connection& b) { return ends_of(a) < ends_of(b); });
  const auto have_same_ends = [](const Connection& a, const Connection& b) { return ends_of(a) == ends_of(b); };
  connections.erase(std::unique(connections.begin(), connections.end(), have_same_ends), connections.end());
  return connections;
}

Result<std::optional<Connection>> SocketDiag::find(const Endpoint& local, const Endpoint& remote) {
  Question question(is_ipv4(local) && is_ipv4(remote) ? AF_INET : AF_INET6, 0);
  inet_diag_sockid& id = question.request.id;
  put_address(local, id.idiag_src);
  put_address(remote, id.idiag_dst);
  id.idiag_sport = htons(local.port);
  id.idiag_dport = htons(remote.port);
  id.idiag_if = local.interface;
  std::optional<Connection> found;
  const auto asked = ask(question, [&](const Connection& connection) {
    // Where there is no connection, the kernel answers with the socket that listens there.
    if (is_connection(connection.state) && is_same_end(connection.local, local) &&
        is_same_end(connection.remote, remote))
      found = connection;
  });
  if (!asked.ok() && asked.error().code != Errc::not_found) return asked.error();
  return found;
}

Result<void> SocketDiag::ask(Question& question, const std::function<void(const Connection&)>& on_connection) {
  const auto deadline = processor_time() + kTimeForAnswer;
  if (!socket_) {
    MIDAIR_TRY_ASSIGN(socket_, open_socket());
  }
  Fd socket(socket_.release());  // comes back with the end of the answer
  question.header.nlmsg_seq = ++sequence_;
  if (::send(socket.get(), &question, sizeof question, 0) < 0) return system_error(errno, kAsk, kConnections);
  for (;;) {
    MIDAIR_TRY_ASSIGN(const std::string_view datagram, receive(socket.get()));
    MIDAIR_TRY_ASSIGN(const DiagAnswer answer, parse_diag_answer(datagram, sequence_));
    std::ranges::for_each(answer.connections, on_connection);
    if (answer.complete) break;
    if (processor_time() > deadline) return Error{Errc::timeout, kAsk, kConnections, "there are too many"};
  }
  socket_ = std::move(socket);
  return {};
}

Result<std::string_view> SocketDiag::receive(int socket) {
  sockaddr_nl sender{};
  iovec into{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  ssize_t n = 0;
  while ((n = ::recvmsg(socket, &message, 0)) < 0 && errno == EINTR) {
  }
  if (n < 0) return system_error(errno, kAsk, kConnections);
  if (n == 0 || (message.msg_flags & MSG_TRUNC) != 0 || sender.nl_pid != 0)  // 0 is the kernel
    return Error{Errc::corrupt, kAsk, kConnections, "that was no whole answer of the kernel"};
  return std::string_view(buffer_.data(), static_cast<std::size_t>(n));
}

}  // namespace midair::sidecar
