#include "connections/generation_connections.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "loop/process_descriptors.h"
#include "loop/process_table.h"
#include "midair/clock.h"

namespace midair::sidecar {

namespace {

template <class Number>
bool is_number(std::string_view text, Number& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && stop == text.data() + text.size();
}

bool is_gone(pid_t pid) {
  const auto stat = process_stat(pid);
  return !stat || stat->state == 'Z' || stat->state == 'X';
}

Error not_read(int err, pid_t pid) {
  Error error = system_error(err, "read", "the descriptors of process " + std::to_string(pid));
  if (error.code == Errc::denied) error.hint = "let the sidecar run as the user of the app, or as root";
  return error;
}

}  // namespace

Result<GenerationLook> GenerationLook::begin(SocketDiag& diag, const std::vector<std::uint16_t>& ports,
                                             const GenerationProcesses& processes) {
  GenerationLook look;
  MIDAIR_TRY_ASSIGN(const std::vector<Connection> connections, diag.dump(ports));
  for (const Connection& connection : connections)
    if (connection.inode != 0) look.wanted_[connection.inode].connections.push_back(connection);
  // Afterwards, so that the child to which a server forks for a new connection is among them.
  if (!look.wanted_.empty()) look.unread_ = processes();
  return look;
}

Result<bool> GenerationLook::read_on(std::chrono::nanoseconds budget) {
  const BootTime deadline = system_clock().now() + budget;
  while (!wanted_.empty() && (descriptors_ || !unread_.empty())) {
    MIDAIR_TRY(descriptors_ ? read_entry() : open_next());
    if (system_clock().now() >= deadline) return false;
  }
  return true;
}

Result<void> GenerationLook::open_next() {
  pid_ = unread_.back();
  unread_.pop_back();
  descriptors_.reset(::opendir(("/proc/" + std::to_string(pid_) + "/fd").c_str()));
  const int err = errno;
  if (!descriptors_ && !is_gone(pid_)) return not_read(err, pid_);
  return {};
}

Result<void> GenerationLook::read_entry() {
  const dirent* const entry = ::readdir(descriptors_.get());  // an error means that the process has ended
  if (entry == nullptr) {
    descriptors_.reset();
    return {};
  }
  int fd = -1;
  if (!is_number(std::string_view(entry->d_name), fd)) return {};  // "." and ".."
  std::array<char, 64> link{};
  const ssize_t n = ::readlinkat(::dirfd(descriptors_.get()), entry->d_name, link.data(), link.size());
  if (n < 0) {
    const int err = errno;
    return (err == EACCES || err == EPERM) && !is_gone(pid_) ? not_read(err, pid_) : Result<void>();
  }
  const auto wanted = wanted_.find(socket_inode({link.data(), static_cast<std::size_t>(n)}));
  if (wanted == wanted_.end()) return {};
  wanted->second.pid = pid_;
  wanted->second.fd = fd;
  found_.insert(wanted_.extract(wanted));
  return {};
}

Result<OwnSockets> look_again(SocketDiag& diag, const std::vector<std::uint16_t>& ports, const OwnSockets& known) {
  OwnSockets sockets;
  MIDAIR_TRY_ASSIGN(const std::vector<Connection> connections, diag.dump(ports));
  for (const Connection& connection : connections) {
    const auto before = known.find(connection.inode);
    if (before == known.end()) continue;
    OwnSocket& socket = sockets[connection.inode];
    socket.pid = before->second.pid;
    socket.fd = before->second.fd;
    socket.connections.push_back(connection);
  }
  return sockets;
}

Result<Fd> duplicate_socket(pid_t pid, int fd, ino_t inode) {
  MIDAIR_TRY_ASSIGN(Fd socket, duplicate_descriptor(pid, fd));
  struct stat status {};
  if (::fstat(socket.get(), &status) != 0) return system_error(errno, "inspect", "a socket");
  if (!S_ISSOCK(status.st_mode) || status.st_ino != inode)
    return Error{Errc::not_found, "duplicate", "a socket of process " + std::to_string(pid), "it is another by now"};
  return socket;
}

}  // namespace midair::sidecar
