#include "cli/interrupt.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <system_error>

#include "midair/fd.h"
#include "midair/host/plugin.h"

namespace midair::host {

namespace {

constexpr std::uint64_t kSignal = 1;
constexpr std::uint64_t kQuit = 1ULL << 32;  // added by the destructor: tells the watcher to leave

// A signal handler reaches nothing but globals.
std::atomic<int> wake_fd{-1};
std::atomic<bool> interrupted{false};

void add(std::uint64_t value) { static_cast<void>(!::write(wake_fd.load(), &value, sizeof value)); }

void on_signal(int number) {
  const int saved = errno;
  // A SIGHUP comes on top of another signal, and in any order: a terminal that goes away is told of by the kernel and
  // by the shell, and a service manager may send one with its SIGTERM (SendSIGHUP= in systemd.kill(5)). No impatience.
  if (number != SIGHUP && interrupted.exchange(true)) ::_exit(kExitInterrupted);
  add(kSignal);
  errno = saved;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

/// As under nohup: whoever started us wants it to be ignored.
bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void watch(std::stop_source& source) {
  for (std::uint64_t events = 0; events < kQuit;) {
    if (::read(wake_fd.load(), &events, sizeof events) != sizeof events) {
      if (errno != EINTR) return;
    } else if (events % kQuit >= kSignal) {
      source.request_stop();
    }
  }
}

}  // namespace

Interrupt::Interrupt() {
  wake_fd = ::eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  interrupted = false;
  watcher_ = std::thread(watch, std::ref(source_));
  for (const int signal : {SIGHUP, SIGQUIT})
    if (!is_ignored(signal)) handled_.push_back(signal);
  for (const int signal : handled_) handle(signal, on_signal);
  handle(SIGPIPE, SIG_IGN);
}

Interrupt::~Interrupt() {
  for (const int signal : handled_) handle(signal, SIG_DFL);
  add(kQuit);
  watcher_.join();
  ::close(wake_fd.exchange(-1));
}

}  // namespace midair::host
