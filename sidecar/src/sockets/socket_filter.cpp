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

int set_filter(unsigned long more_flags) noexcept {
  // System calls of another architecture (32-bit, x32) have other numbers: they are let through.
  std::array<sock_filter, 8> code{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  }};
  const sock_fprog program{code.size(), code.data()};
  // SPEC_ALLOW: a filter shall not cost an app its speculation (prctl(2), PR_SPEC_STORE_BYPASS).
  const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW | more_flags;
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

[[noreturn]] void be_tried(int sidecar) {
  const int listener = install_socket_filter();
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

int install_socket_filter() noexcept {
  // Without WAIT_KILLABLE_RECV (Linux 5.19) a signal may make one bind() arrive twice, which is borne.
  for (const unsigned long flags : {SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, 0UL}) {
    int listener = set_filter(flags);
    if (listener < 0 && errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) listener = set_filter(flags);
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
