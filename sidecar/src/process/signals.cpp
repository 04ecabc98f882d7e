#include "process/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <cerrno>

namespace midair::sidecar {

namespace {

sigset_t supervised_signals() {
  sigset_t set{};
  ::sigemptyset(&set);
  for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT, SIGCHLD})
    ::sigaddset(&set, signo);
  for (int signo = SIGRTMIN; signo <= SIGRTMAX; ++signo) ::sigaddset(&set, signo);
  return set;
}

}  // namespace

Result<std::unique_ptr<SignalWatch>> SignalWatch::create(EventLoop& loop, std::function<void(int)> on_signal) {
  const sigset_t signals = supervised_signals();
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return system_error(errno, "create", "a signalfd");
  sigset_t previous{};
  ::pthread_sigmask(SIG_BLOCK, &signals, &previous);
  ::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<SignalWatch> watch(new SignalWatch(std::move(fd), previous));
  watch->watch_ =
      loop.watch(watch->fd_.get(), EPOLLIN, [fd = watch->fd_.get(), on_signal = std::move(on_signal)](std::uint32_t) {
        signalfd_siginfo info{};
        // One at a time: the callback may destroy the watch, and with it the descriptor.
        if (::read(fd, &info, sizeof info) == sizeof info) on_signal(static_cast<int>(info.ssi_signo));
      });
  return watch;
}

SignalWatch::~SignalWatch() {
  watch_.reset();
  ::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

}  // namespace midair::sidecar
