#include "sockets/socket_call.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "loop/process_descriptors.h"
#include "midair/durable_file.h"
#include "sockets/path_calls.h"

namespace midair::sidecar {

namespace {

/// A kernel may know of more fields than these headers do: it says how large its structures are.
struct Sizes {
  std::size_t call = sizeof(seccomp_notif);
  std::size_t answer = sizeof(seccomp_notif_resp);
};

const Sizes& sizes() {
  static const Sizes known = [] {
    seccomp_notif_sizes told{};
    Sizes sizes;
    if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &told) == 0)
      sizes = {std::max<std::size_t>(sizes.call, told.seccomp_notif),
               std::max<std::size_t>(sizes.answer, told.seccomp_notif_resp)};
    return sizes;
  }();
  return known;
}

std::string proc(pid_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

}  // namespace

bool await_call(int listener, std::chrono::milliseconds limit) {
  pollfd readable{listener, POLLIN, 0};
  return ::poll(&readable, 1, static_cast<int>(limit.count())) == 1 && (readable.revents & POLLIN) != 0;
}

Result<SocketCall> SocketCall::receive(int listener) {
  std::vector<char> room(sizes().call);  // zeros, as the kernel demands
  auto* const told = reinterpret_cast<seccomp_notif*>(room.data());
  int received = -1;
  do {
    received = ::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, told);
  } while (received != 0 && errno == EINTR);
  if (received != 0) return system_error(errno, "receive", "a system call of the app");
  SocketCall call;
  call.listener_ = listener;
  call.id_ = told->id;
  call.thread_ = static_cast<pid_t>(told->pid);
  const auto& arguments = told->data.args;
  call.directory_ = AT_FDCWD;
  const auto named = std::find_if(kPathCalls.begin(), kPathCalls.end(),
                                  [told](const PathCall& known) { return known.number == told->data.nr; });
  if (named == kPathCalls.end()) {
    call.kind_ = told->data.nr == SYS_bind ? Kind::bind : told->data.nr == SYS_listen ? Kind::listen : Kind::connect;
    call.fd_ = static_cast<int>(arguments[0]);
    call.address_ = arguments[1];
    call.length_ = static_cast<std::uint32_t>(arguments[2]);  // an int; above it anything may be
    return call;
  }
  call.kind_ = named->kind;
  if (named->at) call.directory_ = static_cast<int>(arguments[0]);
  call.removes_directory_ = named->number == SYS_unlinkat && (arguments[2] & AT_REMOVEDIR) != 0;
  const std::size_t path = named->at ? 1 : 0;
  call.address_ = arguments[path];
  call.values_ = {static_cast<std::uint32_t>(arguments[path + 1]), static_cast<std::uint32_t>(arguments[path + 2])};
  return call;
}

pid_t SocketCall::caller() const {
  constexpr std::uint64_t kMaxBytes = 1 << 16;
  const auto text = read_file(proc(thread_, "status"), kMaxBytes);
  if (!text) return 0;
  constexpr std::string_view kField = "\nTgid:\t";
  const auto at = text->find(kField);
  pid_t pid = 0;
  if (at != std::string::npos) std::from_chars(text->data() + at + kField.size(), text->data() + text->size(), pid);
  return is_waiting() ? pid : 0;
}

bool SocketCall::in_other_network() const {
  std::error_code error;
  const auto theirs = std::filesystem::read_symlink(proc(thread_, "ns/net"), error);
  if (error) return false;
  return theirs != std::filesystem::read_symlink("/proc/self/ns/net", error);
}

Result<Poco::Net::SocketAddress> SocketCall::address() const {
  const Error no_address{Errc::bad_input, "adopt", "a socket", "it is not bound to an IP address"};
  sockaddr_storage storage{};
  const std::size_t length = std::min<std::size_t>(length_, sizeof storage);
  iovec local{&storage, length};
  iovec remote{reinterpret_cast<void*>(address_), length};  // NOLINT(performance-no-int-to-ptr): of another process
  const ssize_t read = ::process_vm_readv(thread_, &local, 1, &remote, 1, 0);
  const bool may_be_ip = length == sizeof(sockaddr_in) || length == sizeof(sockaddr_in6);
  if (read < 0 && errno == EPERM && may_be_ip)
    return system_error(EPERM, "read", "what process " + std::to_string(thread_) + " binds");
  if (read != static_cast<ssize_t>(length) || !is_waiting()) return no_address;
  const std::size_t needed = storage.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if ((storage.ss_family != AF_INET && storage.ss_family != AF_INET6) || length < needed) return no_address;
  return Poco::Net::SocketAddress(reinterpret_cast<const sockaddr*>(&storage), static_cast<socklen_t>(needed));
}

/// Up to its first NUL. What is mapped no further than to the end of a page is enough.
Result<std::string> SocketCall::read(std::size_t most) const {
  constexpr std::size_t kPage = 4096;
  const Error unread{Errc::bad_input, "read", "a path", "the process has none there"};
  std::string text;
  while (text.size() < most) {
    const std::uint64_t from = address_ + text.size();
    std::string part(std::min<std::size_t>(most - text.size(), kPage - from % kPage), '\0');
    iovec local{part.data(), part.size()};
    iovec remote{reinterpret_cast<void*>(from), part.size()};  // NOLINT(performance-no-int-to-ptr): of another process
    if (::process_vm_readv(thread_, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(part.size())) return unread;
    text += part.substr(0, part.find('\0'));
    if (part.find('\0') != std::string::npos) break;
  }
  if (text.empty() || !is_waiting()) return unread;
  return text;
}

Result<std::string> SocketCall::path() const {
  const Error no_path{Errc::bad_input, "adopt", "a socket", "it is not bound to a path"};
  constexpr std::size_t kFamilyBytes = offsetof(sockaddr_un, sun_path);
  if (removes_directory_) return no_path;
  if (kind_ != Kind::bind && kind_ != Kind::connect) return read(PATH_MAX);
  sa_family_t family = AF_UNSPEC;
  iovec local{&family, sizeof family};
  iovec remote{reinterpret_cast<void*>(address_), sizeof family};  // NOLINT(performance-no-int-to-ptr)
  if (length_ <= kFamilyBytes || ::process_vm_readv(thread_, &local, 1, &remote, 1, 0) != sizeof family ||
      family != AF_UNIX)
    return no_path;
  SocketCall after_family = *this;
  after_family.address_ += kFamilyBytes;
  return after_family.read(std::min<std::size_t>(length_, sizeof(sockaddr_un)) - kFamilyBytes);
}

bool SocketCall::sees_our_files() const {
  std::error_code error;
  const auto mounts = std::filesystem::read_symlink(proc(thread_, "ns/mnt"), error);
  if (error || mounts != std::filesystem::read_symlink("/proc/self/ns/mnt", error)) return false;
  return std::filesystem::equivalent(proc(thread_, "root"), "/", error);
}

bool SocketCall::is_in_directory(const std::string& named, const std::filesystem::path& directory) const {
  std::filesystem::path from = proc(thread_, "cwd");
  if (directory_ != AT_FDCWD) from = proc(thread_, "fd/") + std::to_string(directory_);
  std::error_code error;
  // An absolute path takes the place of what it is appended to.
  const bool same = std::filesystem::equivalent((from / named).parent_path(), directory, error);
  return same && sees_our_files() && is_waiting();
}

Result<Fd> SocketCall::take_socket() const {
  const pid_t pid = caller();
  if (pid == 0) return system_error(ESRCH, "adopt", "a socket");
  MIDAIR_TRY_ASSIGN(Fd socket, duplicate_descriptor(pid, fd_));
  if (!is_waiting()) return system_error(ESRCH, "adopt", "a socket");
  return socket;
}

bool SocketCall::is_waiting() const noexcept { return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id_) == 0; }

void SocketCall::done(int error) const { answer(error, 0); }

void SocketCall::let_kernel_do_it() const { answer(0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }

void SocketCall::answer(int error, std::uint32_t flags) const {
  std::vector<char> room(sizes().answer);
  auto* const told = reinterpret_cast<seccomp_notif_resp*>(room.data());
  told->id = id_;
  told->error = -error;
  told->flags = flags;
  ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, told);  // ENOENT: the caller has died
}

}  // namespace midair::sidecar
