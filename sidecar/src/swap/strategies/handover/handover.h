/// @file
/// The handover strategy: a new process beside the old one on the same listening sockets; the old one drains.
#pragma once

#include <optional>

#include "swap/pending_step.h"
#include "swap/strategy_plug.h"

namespace midair::sidecar {

/// Swaps by replacing the process: new connections go to the new one from one to the next, and the old one, which gets
/// none any more, stays as it is until the new one is committed. So the way back is the same switch. Needs of the app a
/// command that leads to the release's code: a candidate that runs the base image's is given up.
///
/// State passes from the old process to the new in one of two ways. Through descriptors that the old one stored
/// (FDSTORE=1): the new one finds them open from its first instruction, and suspend() and migrate() have nothing left
/// to do. Or, if the old one said that it keeps state, through the upgrade protocol: then the new one has to speak it
/// too, answers `prepare` instead of becoming ready, and serves once the state has come over.
class Handover final : public Strategy {
 public:
  explicit Handover(const StrategyParts& parts);

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override;
  void migrate(StepDone done) override;
  void resume(StepDone done) override;
  void undo(StepDone done) override;
  void roll_back(StepDone done) override;
  void committed() override;
  void stop_watching() override;
  [[nodiscard]] bool holds(unsigned generation) const override {
    return holds_still_ && generation == serving_.generation();
  }
  [[nodiscard]] std::string why_in_vain() const override { return {}; }
  [[nodiscard]] const SwapReport& report() const override { return report_; }

 private:
  void undo_now(StepDone done);
  void await_ready(StepDone done);
  void await_ready_and_watch(StepDone done);
  void watch_candidate(StepDone done);
  [[nodiscard]] Error with_unreadable(Error error);
  void take_over();
  [[nodiscard]] bool may_stay_warm(const Generation& old) const;
  [[nodiscard]] bool go_back_to_warm();
  [[nodiscard]] Generation* new_process() const;
  void start_anew(const Error& why, StepDone done);
  void cancel();
  /// What the failed code has by now, if that can be had and what comes back understands it. Failing is no harm.
  void save_newer_state(StepDone done);
  /// Notes whose code the candidate is seen to run: what it named itself, else what the kernel shows. Fails if that is
  /// the base image's; where it can't be seen nothing is claimed.
  [[nodiscard]] Result<void> observe(const std::string& named_release);

  EventLoop& loop_;
  Supervisor& supervisor_;
  Serving& serving_;
  StateTransfer& transfer_;
  Probation& probation_;
  Fallback& fallback_;
  const ReadyCheck ready_;
  const std::chrono::milliseconds ready_timeout_;
  const bool keep_warm_;
  SwapReport report_;
  std::optional<Readiness> readiness_;
  std::optional<Hello> keeper_;  ///< what the old process, whose state has to be carried, said of itself
  bool holds_still_ = false;     ///< it was asked to suspend
  unsigned warm_ = 0;            ///< the old process, while it could serve again at once; 0: none
  BootTime suspended_at_{};
  bool stopping_ = false;  ///< the machine stops
  PendingStep step_{loop_};
};

}  // namespace midair::sidecar
