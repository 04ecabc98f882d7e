/// @file
/// The time in which new code that serves is watched.
#pragma once

#include <chrono>
#include <optional>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
#include "swap/strategy.h"

namespace midair {

/// Asks a generation for its health once a second, where the ready check is one that can be asked. On the loop thread.
class Probation {
 public:
  Probation(EventLoop& loop, Supervisor& supervisor, ReadyCheck check, std::chrono::milliseconds length)
      : loop_(loop), supervisor_(supervisor), check_(std::move(check)), length_(length) {}

  /// Calls `done` once: success when the time has passed and the last check was well; else what was found, at once
  /// after three failures in a row.
  void begin(unsigned generation, StepDone done);
  /// Ends it without an answer.
  void cancel();

 private:
  void check_health();
  void judge(const Result<std::string>& healthy);

  EventLoop& loop_;
  Supervisor& supervisor_;
  const ReadyCheck check_;
  const std::chrono::milliseconds length_;
  unsigned generation_ = 0;
  StepDone done_;
  unsigned unhealthy_ = 0;        ///< failed checks in a row
  std::optional<Error> illness_;  ///< what the last check found, if it failed
  std::optional<Readiness> health_;
  EventLoop::Timer end_;
  EventLoop::Timer next_check_;
};

}  // namespace midair
