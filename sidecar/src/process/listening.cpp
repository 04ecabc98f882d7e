#include "process/listening.h"

#include <Poco/Net/IPAddress.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <set>
#include <string_view>

#include "loop/process_descriptors.h"

namespace midair::sidecar {

namespace {

using Poco::Net::IPAddress;

/// The kernel prints an address as words of 32 bits, each a number in the machine's order of a word in the network's.
std::optional<IPAddress> parse_address(std::string_view hex) {
  constexpr std::size_t kDigits = 8;
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = hex.size() / kDigits;
  if (hex.size() % kDigits != 0 || (count != 1 && count != words.size())) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const char* const start = hex.data() + i * kDigits;
    if (std::from_chars(start, start + kDigits, words[i], 16).ptr != start + kDigits) return std::nullopt;
  }
  return IPAddress(words.data(), static_cast<poco_socklen_t>(count * sizeof words[0]));
}

std::vector<ListeningSocket> listening_sockets() {
  std::vector<ListeningSocket> sockets;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    std::string line;
    std::getline(table, line);  // the heading
    // Listening sockets come first (the kernel's proc_net_tcp.rst): the connections needn't be read.
    while (std::getline(table, line)) {
      auto socket = parse_listening(line);
      if (!socket) break;
      sockets.push_back(*std::move(socket));
    }
  }
  return sockets;
}

}  // namespace

std::optional<ListeningSocket> parse_listening(const std::string& line) {
  constexpr unsigned kListen = 0x0a;  // TCP_LISTEN
  std::array<char, 33> address{};
  unsigned port = 0;
  unsigned state = 0;
  unsigned long inode = 0;
  ListeningSocket socket;
  // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode; rx of a listening socket is its queue
  const int fields = std::sscanf(line.c_str(), " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%lx %*x:%*x %*x %*d %*d %lu",
                                 address.data(), &port, &state, &socket.waiting, &inode);
  const auto host = parse_address(address.data());
  if (fields != 5 || state != kListen || port > UINT16_MAX || !host) return std::nullopt;
  socket.address = Poco::Net::SocketAddress(*host, static_cast<std::uint16_t>(port));
  socket.inode = inode;
  return socket;
}

std::vector<Listener> listeners_among(const std::vector<pid_t>& pids) {
  const std::vector<ListeningSocket> sockets = listening_sockets();
  std::vector<Listener> listeners;
  for (const pid_t pid : pids) {
    const std::set<ino_t> held = sockets_of(pid).value_or(std::set<ino_t>());
    for (const ListeningSocket& socket : sockets)
      if (held.contains(socket.inode)) listeners.push_back({pid, socket});
  }
  return listeners;
}

}  // namespace midair::sidecar
