/// @file
/// Which strategy a release is swapped in with.
#pragma once

#include "midair/log.h"
#include "swap/handover.h"
#include "swap/in_place.h"

namespace midair {

/// In place where the release asks for it and the process that serves can; else by handover, which always can.
/// Whoever prepares a swap goes through with it. At boot it is a handover.
class StrategyChoice final : public Strategy {
 public:
  /// Both must outlive this.
  StrategyChoice(Handover& handover, InPlace& in_place) : handover_(handover), in_place_(in_place) {}

  void prepare(const StagedRelease& release, StepDone done) override {
    chosen_ = &handover_;
    if (release.manifest.strategy == kInPlace) {
      const std::string why_not = in_place_.why_not();
      if (why_not.empty())
        chosen_ = &in_place_;
      else
        log(LogLevel::notice, "swap.not_in_place", {{"version", release.target.version}, {"why", why_not}});
    }
    chosen_->prepare(release, std::move(done));
  }
  void suspend(StepDone done) override { chosen_->suspend(std::move(done)); }
  void migrate(StepDone done) override { chosen_->migrate(std::move(done)); }
  void resume(StepDone done) override { chosen_->resume(std::move(done)); }
  void undo(StepDone done) override { chosen_->undo(std::move(done)); }
  void roll_back(StepDone done) override { chosen_->roll_back(std::move(done)); }
  void committed() override { chosen_->committed(); }
  void stop_watching() override {
    handover_.stop_watching();
    in_place_.stop_watching();
  }
  [[nodiscard]] const SwapReport& report() const override { return chosen_->report(); }

 private:
  Handover& handover_;
  InPlace& in_place_;
  Strategy* chosen_ = &handover_;
};

}  // namespace midair
