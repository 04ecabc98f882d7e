#include "process/subreaper.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "loop/process_table.h"
#include "loop/process_tree.h"

namespace midair::sidecar {

namespace {

/// Arrives when the sidecar's thread that started us has ended.
constexpr int kParentEnded = SIGTERM;

class Subreaper {
 public:
  Subreaper(int link, int signals, pid_t parent, pid_t program) noexcept
      : link_(link), signals_(signals), parent_(parent), program_(program) {}

  [[noreturn]] void serve() noexcept {
    for (;;) {
      await(-1);
      if (sidecar_is_gone()) end_all();
      report_next();
    }
  }

 private:
  /// Until a signal or something on the link has come; takes the signals.
  void await(int timeout_ms) const noexcept {
    std::array<pollfd, 2> events{{{signals_, POLLIN, 0}, {link_, POLLIN, 0}}};
    ::poll(events.data(), link_ < 0 ? 1 : 2, timeout_ms);
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) > 0) continue;
  }

  /// Takes the answer to what was reported, if it has come.
  bool sidecar_is_gone() noexcept {
    char answer = 0;
    const ssize_t size = ::recv(link_, &answer, sizeof answer, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR) || ::getppid() != parent_) return true;
    if (size > 0 && reported_ != 0) reap(std::exchange(reported_, 0));
    return false;
  }

  void report_next() noexcept {
    if (reported_ != 0) return;
    siginfo_t ended = first_ended();
    // What forks and ends while its siblings are looked for leaves a zombie, so look for one before and after.
    if (ended.si_pid == 0 && program_ == 0 && !signal_children(0)) {
      ended = first_ended();
      if (ended.si_pid == 0) ::_exit(0);
    }
    if (ended.si_pid == 0) return;
    reported_ = ended.si_pid;
    const EndReport report{ended.si_pid, wait_status(ended)};
    ::send(link_, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT);  // the only one under way: there is room
  }

  /// A child that is a zombie, left so; pid 0 if there is none. Does not return where there is no child at all, and so
  /// no descendant.
  static siginfo_t first_ended() noexcept {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) ::_exit(0);
    return info;
  }

  /// Kills children, whose own then become ours, until there are none.
  [[noreturn]] void end_all() noexcept {
    constexpr int kLookAgainMs = 100;  // at those that the kernel does not let go of yet
    link_ = -1;
    for (;;) {
      const bool some_live = signal_children(SIGKILL);
      if (some_live) await(kLookAgainMs);
      bool some_ended = false;
      while (first_ended().si_pid != 0) some_ended = ::waitpid(-1, nullptr, WNOHANG) > 0;
      if (!some_live && !some_ended) ::_exit(0);
    }
  }

  /// Sends a signal (0: none) to each living child. False if none lives that it reaches.
  static bool signal_children(int signo) noexcept {
    const pid_t self = ::getpid();
    bool any = false;
    ProcessList list;
    for (pid_t pid = list.next(); pid != 0; pid = list.next()) {
      const auto stat = process_stat(pid);
      if (!stat || stat->parent != self || stat->ended() || is_port_mapper(stat->name())) continue;
      if (signo == 0 || ::kill(pid, signo) == 0) any = true;
    }
    return any;
  }

  void reap(pid_t pid) noexcept {
    ::waitpid(pid, nullptr, 0);
    if (pid == program_) program_ = 0;
  }

  static int wait_status(const siginfo_t& info) noexcept {
    constexpr int kCoreDumped = 0x80;
    if (info.si_code == CLD_EXITED) return W_EXITCODE(info.si_status, 0);
    return info.si_code == CLD_DUMPED ? info.si_status | kCoreDumped : info.si_status;
  }

  int link_;  // -1: closed
  const int signals_;
  const pid_t parent_;
  pid_t program_;       // 0: has ended
  pid_t reported_ = 0;  // a zombie that the sidecar hasn't answered for
};

}  // namespace

void become_subreaper() noexcept {
  ::setsid();  // what is sent to the sidecar's group by a terminal, or to the app's, is not for us
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, kParentEnded);
  ::prctl(PR_SET_NAME, "midair-subreap");
}

void serve_as_subreaper(int link, pid_t parent, pid_t program) noexcept {
  ::dup2(link, 0);
  ::close_range(1, ~0U, 0);
  sigset_t awaited{};
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGCHLD);
  ::sigaddset(&awaited, kParentEnded);
  Subreaper(0, ::signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK), parent, program).serve();
}

}  // namespace midair::sidecar
