#include "process/notify_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "loop/process_table.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

/// A datagram as it came, before anything in it is believed.
struct Datagram {
  pid_t pid = 0;
  std::string bytes;
  std::vector<Fd> fds;
  bool truncated = false;  ///< more bytes or descriptors than there was room for
};

void take_control(msghdr& header, Datagram& datagram) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        datagram.fds.emplace_back(fd);
      }
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      ucred sender{};
      std::memcpy(&sender, CMSG_DATA(c), sizeof sender);
      datagram.pid = sender.pid;
    }
  }
}

/// The next datagram; nothing if there is none.
std::optional<Datagram> receive(int fd) {
  std::array<char, NotifySocket::kMaxMessageBytes> bytes{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int) * NotifySocket::kMaxFds)>
      control{};
  iovec part{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t n = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return std::nullopt;
  Datagram datagram;
  take_control(header, datagram);
  datagram.bytes.assign(bytes.data(), static_cast<std::size_t>(n));
  datagram.truncated =
      (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || datagram.fds.size() > NotifySocket::kMaxFds;
  return datagram;
}

}  // namespace

Result<std::map<std::string, std::string>> parse_notify_fields(std::string_view bytes) {
  if (bytes.ends_with('\0')) bytes.remove_suffix(1);  // some clients send their terminator along
  if (bytes.find('\0') != std::string_view::npos)
    return Error{Errc::corrupt, "read", "a notify message", "it has a NUL byte"};
  std::map<std::string, std::string> fields;
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(line.size() + 1, bytes.size()));
    const auto equals = line.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    fields.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return fields;
}

Result<NotifySocket> NotifySocket::open(const std::filesystem::path& path) {
  constexpr mode_t kAnybody = 0666;
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return system_error(errno, "create the notify socket", path.string());
  MIDAIR_TRY_ASSIGN(SocketPath place, SocketPath::bind(fd.get(), path, kAnybody));
  return NotifySocket(std::move(fd), std::move(place));
}

std::vector<NotifyMessage> NotifySocket::drain(const ProcessTree& generation) {
  constexpr int kMaxPerDrain = 64;  // a flood must not keep the loop; the kernel queues 10 (net.unix.max_dgram_qlen)
  std::vector<NotifyMessage> messages;
  for (int i = 0; i < kMaxPerDrain; ++i) {
    auto datagram = receive(fd_.get());
    if (!datagram) break;
    auto fields = parse_notify_fields(datagram->bytes);
    if (!is_member(datagram->pid, generation)) {
      const std::string sender = describe_process(datagram->pid);
      if (fields && fields->contains("READY")) ready_stranger_ = sender;
      refuse(sender, "the sender is not of this generation of the app");
    } else if (datagram->truncated) {
      refuse(describe_process(datagram->pid), "longer than 4096 bytes or more than 16 descriptors");
    } else if (!fields) {
      refuse(describe_process(datagram->pid), fields.error().cause);
    } else {
      messages.push_back({datagram->pid, std::move(fields).value(), std::move(datagram->fds)});
    }
  }
  return messages;
}

void NotifySocket::refuse(const std::string& sender, const std::string& why) {
  if (std::exchange(refusal_logged_, true)) return;
  log(LogLevel::warning, "notify.refused", {{"process", sender}, {"why", why}});
}

}  // namespace midair::sidecar
