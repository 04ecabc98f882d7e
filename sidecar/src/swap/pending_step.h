/// @file
/// The step that a strategy is at.
#pragma once

#include <string>
#include <utility>

#include "loop/event_loop.h"
#include "loop/step_done.h"

namespace midair::sidecar {

/// Sees to it that a step is answered once: by the strategy, or by the stop of the machine, whichever comes first. On
/// the loop thread; must outlive what it hands out.
class PendingStep {
 public:
  explicit PendingStep(EventLoop& loop) : loop_(loop) {}
  PendingStep(const PendingStep&) = delete;
  PendingStep& operator=(const PendingStep&) = delete;

  /// A step forward begins, the one before is given up. Returns what answers it: later, never from inside the call that
  /// begins the step. A stop answers with Errc::cancelled.
  [[nodiscard]] StepDone forward(StepDone done) {
    return begin(std::move(done), Error{Errc::cancelled, "swap", "the app's code", "the machine is being stopped"});
  }
  /// The same for a way back. A stop answers that it is done: then it doesn't matter any more who serves.
  [[nodiscard]] StepDone back(StepDone done) { return begin(std::move(done), {}); }

  /// The machine stops: answers the step that goes on, if any, soon, and so each that begins later.
  void stop() {
    stopped_ = true;
    if (!done_) return;
    loop_.post([done = std::exchange(done_, nullptr), result = when_stopped_] { done(result); });
  }

 private:
  StepDone begin(StepDone done, Result<void> when_stopped) {
    done_ = std::move(done);
    when_stopped_ = std::move(when_stopped);
    ++number_;
    if (stopped_) stop();
    return [this, number = number_](Result<void> result) {
      if (number == number_ && done_) std::exchange(done_, nullptr)(std::move(result));
    };
  }

  EventLoop& loop_;
  StepDone done_;
  Result<void> when_stopped_{};
  bool stopped_ = false;
  unsigned long number_ = 0;  ///< numbers the steps, so that a late answer is recognised
};

}  // namespace midair::sidecar
