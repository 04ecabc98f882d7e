/// @file
/// For the sidecar that stands still while nobody serves.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>

#include "loop/event_loop.h"
#include "midair/error.h"

namespace midair::sidecar {

/// Ends this process with EX_SOFTWARE, after one line on stderr, if its loop has not turned for a while and no process
/// of the app serves: only the platform can help then, which starts a machine anew whose entrypoint has ended. While
/// the app serves, a loop that stands still is left alone, as the end of the sidecar would be the app's end too: it
/// looks again, in case that the app ends as well.
///
/// A kernel timer (CLOCK_MONOTONIC, so a suspended machine is not blamed) that the loop sets back; its signal is
/// SIGVTALRM, which must not be blocked. At most one per process, as its signal handler is. On the loop thread.
class Watchdog {
 public:
  /// `serving` is the process that serves, a child of ours; 0 for none. It must outlive the watchdog, which looks at it
  /// from its signal handler. Precondition: limit > 0.
  [[nodiscard]] static Result<std::unique_ptr<Watchdog>> start(EventLoop& loop, std::chrono::milliseconds limit,
                                                               const std::atomic<pid_t>& serving);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  Watchdog(EventLoop& loop, std::chrono::milliseconds limit, timer_t timer)
      : loop_(loop), limit_(limit), timer_(timer) {}
  void set_back();

  EventLoop& loop_;
  const std::chrono::milliseconds limit_;
  const timer_t timer_;
  EventLoop::Timer next_;
};

}  // namespace midair::sidecar
