#include "sockets/socket_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>

#include "midair/fd.h"
#include "sockets/listen_group.h"
#include "sockets/passed_fd.h"
#include "sockets/path_calls.h"
#include "sockets/socket_call.h"

// Of later kernels' headers than Debian 12's: linux/seccomp.h of 5.19.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace midair::sidecar {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "name this architecture's AUDIT_ARCH"
#endif

constexpr std::chrono::milliseconds kPatience{2000};

class FilterCode {
 public:
  /// System calls of another architecture (32-bit, x32) have other numbers: they are let through.
  explicit FilterCode(bool paths) noexcept {
    load(offsetof(seccomp_data, arch));
    if_equal(kArchitecture, 1, 0);
    allow();
    load(offsetof(seccomp_data, nr));
    tell_of(SYS_bind);
    tell_of(SYS_listen);
    if (paths) {
      for (const PathCall& call : kPathCalls) tell_of(call.number);
      tell_of_connect();
    }
    allow();
  }
  [[nodiscard]] sock_fprog program() noexcept { return {static_cast<unsigned short>(size_), code_.data()}; }

 private:
  void add(const sock_filter& instruction) noexcept { code_[size_++] = instruction; }
  void load(std::uint32_t offset) noexcept { add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void allow() noexcept { add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)); }
  void tell() noexcept { add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)); }
  void if_equal(std::uint32_t value, std::uint8_t over, std::uint8_t else_over) noexcept {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, over, else_over));
  }
  void tell_of(int call) noexcept {
    if_equal(static_cast<std::uint32_t>(call), 0, 1);
    tell();
  }
  /// What is as long as an IPv4 or IPv6 address goes on at once: nearly all that an app connects to.
  void tell_of_connect() noexcept {
    if_equal(SYS_connect, 0, 4);
    constexpr std::uint32_t kLowWord = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(std::uint32_t);
    load(offsetof(seccomp_data, args[2]) + kLowWord);
    if_equal(sizeof(sockaddr_in), 2, 0);
    if_equal(sizeof(sockaddr_in6), 1, 0);
    tell();
  }

  std::array<sock_filter, 40> code_{};
  std::size_t size_ = 0;
};

int set_filter(bool paths, unsigned long more_flags) noexcept {
  FilterCode code(paths);
  const sock_fprog program = code.program();
  // SPEC_ALLOW: a filter shall not cost an app its speculation (prctl(2), PR_SPEC_STORE_BYPASS).
  const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW | more_flags;
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

[[noreturn]] void be_tried(int sidecar) {
  const int listener = install_socket_filter(false);
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listener < 0 || !send_fd(sidecar, listener)) ::_exit(errno);
  ::close(listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::_exit(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno);
}

Error cannot_adopt(std::string cause) {
  return {Errc::unavailable, "adopt", "the app's sockets", std::move(cause),
          "give --listen HOST:PORT if the app takes LISTEN_FDS, else --sockets off"};
}

Result<void> try_one_call(int connection) {
  const Fd listener = receive_fd(connection, kPatience);
  if (!listener) return cannot_adopt("the kernel, or its policy here, refuses a seccomp filter with a listener");
  if (!await_call(listener.get(), kPatience)) return cannot_adopt("no system call of the child arrives");
  auto call = SocketCall::receive(listener.get());
  if (!call) return std::move(call).error();
  MIDAIR_TRY_ASSIGN(const Fd socket, call->take_socket());
  call->let_kernel_do_it();
  return {};
}

}  // namespace

int install_socket_filter(bool paths) noexcept {
  // Without WAIT_KILLABLE_RECV (Linux 5.19) a signal may make one bind() arrive twice, which is borne.
  for (const unsigned long flags : {SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0UL}) {
    int listener = set_filter(paths, flags);
    if (listener < 0 && errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
      listener = set_filter(paths, flags);
    if (listener >= 0 || errno != EINVAL) return listener;
  }
  return -1;
}

Result<void> check_adoption() {
  const Poco::Net::SocketAddress anywhere("127.0.0.1", 0);
  if (auto group = ListenGroup::open(anywhere, false, ::geteuid(), false); !group)
    return cannot_adopt(group.error().message());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "create", "a socket");
  const Fd ours(ends[0]);
  Fd childs(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) be_tried(childs.get());
  if (child < 0) return system_error(errno, "start", "a process");
  childs.reset();
  auto tried = try_one_call(ours.get());
  if (!tried) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (tried && status != 0) return cannot_adopt("a system call that was let through did not return as it should");
  return tried;
}

}  // namespace midair::sidecar
