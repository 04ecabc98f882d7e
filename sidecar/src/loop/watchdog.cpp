#include "loop/watchdog.h"

#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>

#include "loop/process_table.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

constexpr int kSignal = SIGVTALRM;
/// The loop sets the timer back this often within the limit.
constexpr int kPerLimit = 4;

std::atomic<const std::atomic<pid_t>*> watched{nullptr};
static_assert(std::atomic<pid_t>::is_always_lock_free, "it is read in a signal handler");

/// Async-signal-safe. A zombie isn't alive.
bool is_alive(pid_t pid) noexcept {
  const auto stat = pid > 0 ? process_stat(pid) : std::nullopt;
  return stat && !stat->ended();
}

std::atomic_flag telling;

/// Not to a pipe that nobody reads; should others fill it at this moment, the next signal interrupts.
void tell() noexcept {
  constexpr std::string_view kLine =
      "midair-sidecar: the loop stands still and nobody serves: ending, so that the machine starts anew\n";
  constexpr std::string_view kJsonLine =
      "{\"level\":\"error\",\"event\":\"watchdog.ends\",\"why\":\"the loop stands still and nobody serves: ending, so "
      "that the "
      "machine starts anew\"}\n";
  pollfd log{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&log, 1, 0) != 1 || (log.revents & POLLOUT) == 0) return;
  const std::string_view line = log_format() == LogFormat::json ? kJsonLine : kLine;
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

void on_standstill(int) noexcept {
  const int interrupted = errno;
  const std::atomic<pid_t>* serving = watched.load();
  if (serving == nullptr || is_alive(serving->load())) {
    errno = interrupted;
    return;
  }
  // Who comes a second time finds the first in the middle of a write that doesn't end.
  if (!telling.test_and_set()) tell();
  ::_exit(EX_SOFTWARE);
}

timespec to_timespec(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {static_cast<time_t>(seconds.count()), static_cast<long>(std::chrono::nanoseconds(time - seconds).count())};
}

}  // namespace

Result<std::unique_ptr<Watchdog>> Watchdog::start(EventLoop& loop, std::chrono::milliseconds limit,
                                                  const std::atomic<pid_t>& serving) {
  struct sigaction action {};
  action.sa_handler = on_standstill;
  action.sa_flags = SA_RESTART | SA_NODEFER;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = kSignal;
  timer_t timer{};
  if (::sigaction(kSignal, &action, nullptr) != 0 || ::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
    return system_error(errno, "set up", "the watchdog");
  watched = &serving;
  std::unique_ptr<Watchdog> watchdog(new Watchdog(loop, limit, timer));
  watchdog->set_back();
  return watchdog;
}

Watchdog::~Watchdog() {
  ::timer_delete(timer_);
  watched = nullptr;  // a signal that is under way does nothing
}

void Watchdog::set_back() {
  const timespec limit = to_timespec(limit_);
  const itimerspec from_now{limit, limit};  // and again after it, if it was left alone
  ::timer_settime(timer_, 0, &from_now, nullptr);
  next_ = loop_.after(limit_ / kPerLimit, [this] { set_back(); });
}

}  // namespace midair::sidecar
