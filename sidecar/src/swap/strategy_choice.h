/// @file
/// Which strategy a release is swapped in with.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "swap/strategy_plug.h"

namespace midair::sidecar {

/// The one that the release asks for, where what serves can be swapped that way and it changes something; else the
/// first of the table, which always can. Whoever prepares a swap goes through with it. At boot it is the first.
class StrategyChoice final : public Strategy {
 public:
  /// `plugs` must outlive this, and so must what `parts` refers to. Precondition: at least one plug.
  StrategyChoice(const StrategyParts& parts, std::span<const StrategyPlug> plugs);

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override { chosen_->suspend(std::move(done)); }
  void migrate(StepDone done) override { chosen_->migrate(std::move(done)); }
  void resume(StepDone done) override { chosen_->resume(std::move(done)); }
  void undo(StepDone done) override;
  void roll_back(StepDone done) override { chosen_->roll_back(std::move(done)); }
  void committed() override { chosen_->committed(); }
  void stop_watching() override;
  [[nodiscard]] bool holds(unsigned generation) const override { return chosen_->holds(generation); }
  [[nodiscard]] std::string why_in_vain() const override { return chosen_->why_in_vain(); }
  [[nodiscard]] const SwapReport& report() const override { return chosen_->report(); }

 private:
  [[nodiscard]] std::size_t asked_for(const StagedRelease& release) const;
  void prepare_with(std::size_t plug, const StagedRelease& release, const StepDone& done);
  void prepare_with_first(const StagedRelease& release, const std::string& why, StepDone done);

  const StrategyParts parts_;
  const std::span<const StrategyPlug> plugs_;
  std::vector<std::unique_ptr<Strategy>> strategies_;  ///< in the order of plugs_
  Strategy* chosen_ = nullptr;
  bool given_up_ = false;  ///< since prepare(): nothing more is to be begun
};

}  // namespace midair::sidecar
