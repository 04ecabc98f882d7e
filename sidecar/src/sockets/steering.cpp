#include "sockets/steering.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace midair::sidecar {

namespace {

// The program sees the data behind the TCP header; the headers lie at offsets from SKF_NET_OFF. These are those of a
// packet without options, as our own is that the detour is for (RFC 791, 3.1; RFC 8200, 3; RFC 9293, 3.1).
constexpr std::uint32_t kVersion = 0;
constexpr std::uint32_t kSource4 = 12;
constexpr std::uint32_t kPort4 = 20;
constexpr std::uint32_t kSource6 = 8;
constexpr std::uint32_t kPort6 = 40;
constexpr std::uint32_t kVersionMask = 0xf0;

class Program {
 public:
  void add(std::uint32_t code, std::uint32_t value) {
    code_.push_back({static_cast<std::uint16_t>(code), 0, 0, value});
  }
  void load(std::uint32_t size, std::uint32_t offset) {
    add(BPF_LD | size | BPF_ABS, static_cast<std::uint32_t>(SKF_NET_OFF) + offset);
  }
  /// Goes on if what was loaded is `value`, else behind the next land().
  void demand(std::uint32_t value) {
    leaps_.push_back(code_.size());
    add(BPF_JMP | BPF_JEQ | BPF_K, value);
  }
  void land() {
    for (const std::size_t leap : leaps_) code_[leap].jf = static_cast<std::uint8_t>(code_.size() - leap - 1);
    leaps_.clear();
  }
  void go_to(unsigned place) { add(BPF_RET | BPF_K, place); }

  [[nodiscard]] std::vector<sock_filter>& code() { return code_; }

 private:
  std::vector<sock_filter> code_;
  std::vector<std::size_t> leaps_;
};

std::uint32_t word_at(const std::uint8_t* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return ntohl(word);
}

void demand_version(Program& program, std::uint32_t version) {
  program.load(BPF_B, kVersion);
  program.add(BPF_ALU | BPF_AND | BPF_K, kVersionMask);
  program.demand(version << 4);
}

void add_detour(Program& program, const Detour& detour) {
  const bool ip6 = detour.from.af() == AF_INET6;
  demand_version(program, ip6 ? 6 : 4);
  if (ip6) {
    const auto& from = *reinterpret_cast<const sockaddr_in6*>(detour.from.addr());
    for (std::uint32_t byte = 0; byte < sizeof from.sin6_addr; byte += sizeof(std::uint32_t)) {
      program.load(BPF_W, kSource6 + byte);
      program.demand(word_at(from.sin6_addr.s6_addr + byte));
    }
  } else {
    program.load(BPF_W, kSource4);
    program.demand(ntohl(reinterpret_cast<const sockaddr_in*>(detour.from.addr())->sin_addr.s_addr));
  }
  program.load(BPF_H, ip6 ? kPort6 : kPort4);
  program.demand(detour.from.port());
  program.go_to(detour.place);
  program.land();
}

void add_places(Program& program, const std::vector<unsigned>& places) {
  if (places.size() > 1) {
    program.add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM));
    program.add(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(places.size()));
  }
  for (std::uint32_t i = 0; i + 1 < places.size(); ++i) {
    program.demand(i);
    program.go_to(places[i]);
    program.land();
  }
  program.go_to(places.back());
}

}  // namespace

Result<void> steer(int member, const Steering& steering) {
  Program program;
  if (steering.detour) add_detour(program, *steering.detour);
  add_places(program, steering.places);
  auto& code = program.code();
  const sock_fprog attached{static_cast<unsigned short>(code.size()), code.data()};
  if (::setsockopt(member, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) != 0)
    return system_error(errno, "steer", "a group of listening sockets");
  return {};
}

}  // namespace midair::sidecar
