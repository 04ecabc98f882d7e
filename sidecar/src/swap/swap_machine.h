/// @file
/// Walks one swap at a time through the state table: starts each state's action, keeps its deadline, writes the
/// journal.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "midair/backoff.h"
#include "midair/clock.h"
#include "midair/release/machine_state.h"
#include "process/last_words.h"
#include "state/state_dir.h"
#include "swap/strategy.h"
#include "swap/swap_deadlines.h"
#include "swap/swap_table.h"

namespace midair::sidecar {

/// How a swap ended.
struct SwapOutcome {
  Target target;
  UpgradeStatus status = UpgradeStatus::completed;
  SwapState ended_in = SwapState::idle;  ///< the state in which it failed
  std::optional<Error> error;
  std::string superseded_by{};  ///< the version for whose sake it was aborted; empty if that is not why
  SwapReport report;
  std::string started_at;                                 ///< RFC 3339
  std::optional<std::chrono::nanoseconds> suspended_for;  ///< the app's word, else `prepared` to `probation` entered
  std::chrono::nanoseconds took{};                        ///< from begin() to the outcome
  LastWords last_words{};  ///< of the process that ran, or was to run, the new code, when it failed
};

/// "swap.enter.STATE" and "swap.leave.STATE" of every state that does something, from the state table (see fault.h).
[[nodiscard]] std::vector<std::string> swap_fault_points();

/// The state machine. All calls on the loop thread.
class SwapMachine {
 public:
  /// What the machine needs of the world. All are called on the loop thread.
  struct Events {
    std::function<void(const Target&)> stage;  ///< begin staging; answered by staged()
    std::function<void()> cancel_stage;
    /// A roll back begins: what comes back may still be looked for; `go_on` is to be called once, now or soon.
    std::function<void(std::function<void()> go_on)> find_fallback;
    std::function<void(SwapState)> on_state;              ///< a state was entered
    std::function<void(const SwapOutcome&)> on_finished;  ///< idle again
    std::function<void(const Error&)> on_lost;            ///< nothing could be brought back
    std::function<unsigned()> candidate{};                ///< the generation that runs the new code; 0: none
    std::function<LastWords(unsigned)> last_words{};      ///< of a generation
  };

  SwapMachine(EventLoop& loop, const StateDir& dir, Strategy& strategy, SwapDeadlines deadlines, Events events);

  /// Starts a swap. Precondition: idle.
  void begin(const Target& target);
  /// At boot the caller staged the release and started its process in place of the committed one (Serving::boot_with):
  /// a swap that begins in probation. Precondition: idle.
  void booted(const StagedRelease& release);

  /// The answer to Events::stage.
  void staged(Result<StagedRelease> release);
  /// The process that runs the new code ended; `how` says in which way.
  void candidate_exited(const std::string& how);
  /// The machine stops, or the serving app ended: aborts what is not switched yet. What is in probation stays there,
  /// unjudged: the journal says so to the next start.
  void stop_requested();
  /// The pointer names a newer release, `version`: aborts what is not being switched yet, and says true.
  bool superseded(const std::string& version);

  [[nodiscard]] SwapState state() const { return state_; }
  /// When the current state was entered.
  [[nodiscard]] BootTime since() const { return since_; }
  /// When the swap began, RFC 3339.
  [[nodiscard]] const std::string& started_at() const { return outcome_.started_at; }
  /// Why the current state goes on for longer than it should; empty if it doesn't.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// The release being swapped in, while not idle.
  [[nodiscard]] const std::optional<Target>& target() const { return target_; }

 private:
  void start_over(const Target& target);
  void handle(SwapEvent event);
  void enter(const SwapRow& row);
  void act(SwapAction action);
  void fail(Error error);
  void hear_last_words();
  void commit_later(const Error& error);
  void finish();
  [[nodiscard]] StepDone step_done();
  [[nodiscard]] std::chrono::milliseconds deadline_of(SwapState state) const;
  [[nodiscard]] Result<void> note_in_journal() const;
  [[nodiscard]] Result<void> write_journal(SwapState state, bool switched) const;
  void complete(Result<void> result);
  void complete_soon(Result<void> result);
  [[nodiscard]] Result<void> switch_over();
  [[nodiscard]] Result<void> commit();
  [[nodiscard]] Result<void> restore();
  void put_back_current();

  EventLoop& loop_;
  const StateDir& dir_;
  Strategy& strategy_;
  const SwapDeadlines deadlines_;
  const Events events_;

  SwapState state_ = SwapState::idle;
  BootTime since_{};
  BootTime began_{};
  BootTime suspended_at_{};
  std::optional<Target> target_;
  std::optional<StagedRelease> release_;
  std::string last_current_;  ///< where `current` pointed before the switch
  SwapOutcome outcome_;
  unsigned failed_ = 0;     ///< the generation that ran the new code when it failed
  unsigned long step_ = 0;  ///< numbers the steps, so that a late completion is recognised
  EventLoop::Timer deadline_;
  bool stopping_ = false;
  std::string problem_;
  Backoff commit_delay_{{.first = std::chrono::seconds(1), .highest = std::chrono::seconds(30)}};
};

}  // namespace midair::sidecar
