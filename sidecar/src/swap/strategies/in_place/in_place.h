/// @file
/// The in-place strategy: the process stays, and replaces its modules behind call gates.
#pragma once

#include <chrono>

#include "swap/pending_step.h"
#include "swap/strategy_plug.h"

namespace midair::sidecar {

/// Swaps by asking the serving process, over the upgrade protocol, to load a release's modules, hold still, migrate its
/// state and go on. The way back is the same: it keeps its old modules and their state until it is told to commit.
///
/// A process that dies of it, or doesn't do what it is asked to, is ended, and the last good release started.
class InPlace final : public Strategy {
 public:
  /// An app never unloads a module (dlclose lies, and so may what still runs in it), so its memory grows with every
  /// swap: after this many the next one is a handover.
  static constexpr unsigned kMaxSwaps = 8;

  explicit InPlace(const StrategyParts& parts);

  /// Why the process that serves can't take a release in place; empty if it can.
  [[nodiscard]] static std::string why_not(const StrategyParts& parts);

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override;
  void migrate(StepDone done) override;
  void resume(StepDone done) override;
  void undo(StepDone done) override;
  void roll_back(StepDone done) override;
  void committed() override;
  void stop_watching() override;
  /// A process that dies of it takes its state with it: go_back() starts the last good release anew.
  [[nodiscard]] bool holds(unsigned) const override { return false; }
  [[nodiscard]] std::string why_in_vain() const override;
  [[nodiscard]] const SwapReport& report() const override { return report_; }

 private:
  [[nodiscard]] Generation* process() const { return supervisor_.find(serving_.generation()); }
  void ask(const std::string& op, Poco::JSON::Object fields, std::chrono::milliseconds limit,
           AppChannel::Answered answered);
  [[nodiscard]] Result<void> check_migrated(const Poco::JSON::Object& answer);
  void ask_health(StepDone answer);
  void go_back(const ReleaseRef& release, StepDone done);

  EventLoop& loop_;
  Supervisor& supervisor_;
  Serving& serving_;
  Probation& probation_;
  Fallback& fallback_;
  const std::chrono::milliseconds prepare_limit_;
  const std::chrono::milliseconds suspend_limit_;
  std::vector<ManifestModule> modules_;  ///< of the candidate
  SwapReport report_;
  bool begun_ = false;  ///< the app was asked to prepare, and neither to commit nor to abort since
  bool ending_ = false;
  PendingStep step_{loop_};
};

}  // namespace midair::sidecar
