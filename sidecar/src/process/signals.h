/// @file
/// Signals as events of the loop.
#pragma once

#include <csignal>
#include <functional>
#include <memory>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Takes the signals that a supervisor forwards (HUP, INT, QUIT, TERM, USR1, USR2, WINCH, ALRM, CONT and the real-time
/// ones) and CHLD, as callbacks on the loop. SIGPIPE is ignored from here on. Signals that tell of a bug (SEGV, ABRT,
/// ...) and those of a terminal (TSTP, TTIN, TTOU) keep their ways. One per process.
class SignalWatch {
 public:
  /// Blocks these signals in the calling thread; so call it on the loop thread before any other thread starts, which
  /// then inherits the mask. Several pending signals of one number may arrive as one.
  [[nodiscard]] static Result<std::unique_ptr<SignalWatch>> create(EventLoop& loop,
                                                                   std::function<void(int signo)> on_signal);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  /// Restores the signal mask that the thread had before.
  ~SignalWatch();

 private:
  SignalWatch(Fd fd, const sigset_t& previous_mask) : fd_(std::move(fd)), previous_mask_(previous_mask) {}

  const Fd fd_;
  const sigset_t previous_mask_;
  EventLoop::Watch watch_;
};

}  // namespace midair::sidecar
