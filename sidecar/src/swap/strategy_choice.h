/// @file
/// Which strategy a release is swapped in with.
#pragma once

#include "swap/handover.h"
#include "swap/in_place.h"

namespace midair::sidecar {

/// In place where the release asks for it, the process that serves can, and a module differs from what it runs; else by
/// handover, which always can. Whoever prepares a swap goes through with it. At boot it is a handover.
class StrategyChoice final : public Strategy {
 public:
  /// Both must outlive this.
  StrategyChoice(Handover& handover, InPlace& in_place) : handover_(handover), in_place_(in_place) {}

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override { chosen_->suspend(std::move(done)); }
  void migrate(StepDone done) override { chosen_->migrate(std::move(done)); }
  void resume(StepDone done) override { chosen_->resume(std::move(done)); }
  void undo(StepDone done) override;
  void roll_back(StepDone done) override { chosen_->roll_back(std::move(done)); }
  void committed() override { chosen_->committed(); }
  void stop_watching() override;
  [[nodiscard]] const SwapReport& report() const override { return chosen_->report(); }

 private:
  void prepare_in_place(const StagedRelease& release, const StepDone& done);
  void prepare_handover(const StagedRelease& release, const std::string& why, StepDone done);

  Handover& handover_;
  InPlace& in_place_;
  Strategy* chosen_ = &handover_;
  bool given_up_ = false;  ///< since prepare(): nothing more is to be begun
};

}  // namespace midair::sidecar
