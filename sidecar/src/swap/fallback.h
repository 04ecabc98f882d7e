/// @file
/// Bringing back what served before: a new process of the last good release, else of the base image.
#pragma once

#include <chrono>
#include <optional>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
#include "swap/serving.h"
#include "swap/state_transfer.h"
#include "swap/strategy.h"

namespace midair::sidecar {

/// Starts a release in place of what failed, and the base image if that fails too; each with the state that is kept,
/// and without where it does not take that. On the loop thread.
class Fallback {
 public:
  Fallback(EventLoop& loop, Supervisor& supervisor, Serving& serving, StateTransfer& transfer, ReleaseRef base_image,
           ReadyCheck check, std::chrono::milliseconds ready_timeout)
      : loop_(loop),
        supervisor_(supervisor),
        serving_(serving),
        transfer_(transfer),
        base_image_(std::move(base_image)),
        check_(std::move(check)),
        ready_timeout_(ready_timeout) {}

  /// Calls `done` once: success when a process is ready, which serves from its start; else why the base image isn't.
  void bring_back(const ReleaseRef& release, StepDone done);
  /// A generation ended; true if it was the one that was being brought back.
  bool exited(unsigned generation, const std::string& how);
  /// Ends it without an answer. What was started runs on.
  void cancel();

 private:
  void start(const ReleaseRef& release);
  void hand_state_to(const ReleaseRef& release);
  void start_without_state(const ReleaseRef& release, const Error& why);
  void await_ready();
  void conclude(Result<void> result);
  void failed(const Error& error);

  EventLoop& loop_;
  Supervisor& supervisor_;
  Serving& serving_;
  StateTransfer& transfer_;
  const ReleaseRef base_image_;
  const ReadyCheck check_;
  const std::chrono::milliseconds ready_timeout_;
  ReleaseRef release_;  ///< what is brought back
  StepDone done_;       ///< set meanwhile
  std::optional<Readiness> readiness_;
};

}  // namespace midair::sidecar
