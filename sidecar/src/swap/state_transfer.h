/// @file
/// Carrying the state of one process to the next by the upgrade protocol.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "hooks/hooks.h"
#include "loop/event_loop.h"
#include "midair/fd.h"
#include "process/supervisor.h"
#include "protocol/app_socket.h"
#include "swap/saved_state.h"
#include "swap/strategy.h"

namespace midair::sidecar {

/// Asks generations of the app, one step at a time, and keeps what was exported until it is forgotten. On the loop
/// thread. Each StepDone is called once, not from inside the call that took it; a new step, cancel() too, silences the
/// one before (abort() goes on). Every step has a deadline.
class StateTransfer {
 public:
  struct Limits {
    std::chrono::milliseconds ready{};  ///< from the start of a process until it has answered `prepare`
    std::chrono::milliseconds step{};   ///< for each other request
  };

  StateTransfer(EventLoop& loop, Supervisor& supervisor, Hooks& hooks, const StateDir& dir, Limits limits)
      : loop_(loop), supervisor_(supervisor), hooks_(hooks), dir_(dir), limits_(limits) {}

  /// A successor of `generation`, just started with Entry::when_resumed: waits until it has said hello, sees if it can
  /// import `schema` (or a `migrate` hook can turn it into what it imports), and has it do `prepare`.
  void introduce(unsigned generation, const std::string& schema, const std::string& upgrade_id, const ReleaseRef& from,
                 const ReleaseRef& to, StepDone done);
  /// Has it hold still, for three times the limit of a step: its answer, the hand-over, its successor's `resume`.
  void suspend(unsigned generation, StepDone done);
  /// Has it export its state, which is kept here in place of what was kept before. `release` is what it runs.
  void save(unsigned generation, const ReleaseRef& release, StepDone done);
  /// Has it import what is kept, migrated by the hook if it doesn't import that schema. Precondition: saved().
  void give(unsigned generation, StepDone done);
  /// Lets it serve.
  void resume(unsigned generation, StepDone done);
  /// Lets it serve as if nothing had been asked of it. Succeeds also if its connection has ended but not the process,
  /// which goes on by itself then; one that dies is given the time to do so.
  void abort(unsigned generation, StepDone done);

  /// The state that is kept, if any.
  [[nodiscard]] const std::optional<SavedState>& saved() const { return saved_; }
  void forget() {
    saved_.reset();
    migrated_.reset();
  }
  /// Ends the current step without an answer.
  void cancel();

 private:
  using Then = std::function<void(const Poco::JSON::Object&)>;

  /// Starts a step: the one before is silent from now on.
  void begin(StepDone done);
  void end(Result<void> result);
  /// Has the step end later with this error.
  void fail_soon(Error error);
  void await_hello(unsigned generation, const std::function<void()>& then);
  /// Its connection has ended: fails with `why` if it ends too, succeeds if it says hello again or just lives on.
  void await_signs_of_life(const Generation& process, const Error& why, StepDone done);
  void check_schema(const Hello& successor, const std::string& schema, const std::function<void()>& then);
  void migrate(const Hello& successor, uid_t reader, const std::function<void()>& then);
  void import(unsigned generation, SavedState& state);
  void ask(unsigned generation, const std::string& op, const Poco::JSON::Object& fields,
           std::chrono::milliseconds limit, Then then);

  EventLoop& loop_;
  Supervisor& supervisor_;
  Hooks& hooks_;
  const StateDir& dir_;
  const Limits limits_;
  StepDone done_;
  unsigned long step_ = 0;  ///< numbers the steps, so that a late answer is recognised
  EventLoop::Timer limit_;
  EventLoop::Timer failure_;
  Fd dying_;  ///< the process whose connection has ended
  EventLoop::Watch death_;
  std::optional<SavedState> saved_;
  std::optional<SavedState> migrated_;  ///< saved_, as the hook turned it into another schema
};

/// What a process that keeps state last said of itself; null if it never said that it keeps any.
[[nodiscard]] const Hello* keeper_of_state(const Generation* generation);

}  // namespace midair::sidecar
