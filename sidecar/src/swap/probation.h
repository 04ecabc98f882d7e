/// @file
/// The time in which new code that serves is watched.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "loop/event_loop.h"
#include "swap/strategy.h"

namespace midair::sidecar {

/// Asks a generation how it is: answers once, on the loop thread, within a few seconds.
using HealthCheck = std::function<void(unsigned generation, StepDone answer)>;

/// Asks for the health of what took over, once a second. On the loop thread.
class Probation {
 public:
  /// `checks` are asked one after the other; the first that fails is the answer. None: it is enough not to exit.
  Probation(EventLoop& loop, std::chrono::milliseconds length, std::vector<HealthCheck> checks)
      : loop_(loop), length_(length), checks_(std::move(checks)) {}

  /// Calls `done` once: success when the time has passed and the last round was well; else what was found, at once
  /// after three failures in a row. `own` is a strategy's own check, asked after the others; may be empty.
  void begin(unsigned generation, HealthCheck own, StepDone done);
  /// Ends it without an answer.
  void cancel();

 private:
  void next_round();
  void ask(std::size_t check);
  void judge(const Result<void>& healthy);

  EventLoop& loop_;
  const std::chrono::milliseconds length_;
  const std::vector<HealthCheck> checks_;
  std::vector<HealthCheck> asked_;  ///< checks_, and the strategy's own
  unsigned generation_ = 0;
  StepDone done_;
  unsigned long watch_ = 0;       ///< numbers the probations, so that a late answer is recognised
  unsigned unhealthy_ = 0;        ///< failed rounds in a row
  std::optional<Error> illness_;  ///< what the last round found, if it failed
  EventLoop::Timer end_;
  EventLoop::Timer next_round_;
};

}  // namespace midair::sidecar
