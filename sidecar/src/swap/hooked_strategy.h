/// @file
/// A strategy that asks the hooks on its way.
#pragma once

#include "hooks/hooks.h"
#include "swap/serving.h"
#include "swap/strategy.h"

namespace midair::sidecar {

/// Any strategy, with the hooks around its steps: `accept` before anything is started, `before_suspend` when the new
/// code is ready, `after_resume` and `on_rollback` beside what happens then. On the loop thread.
class HookedStrategy final : public Strategy {
 public:
  /// All must outlive this.
  HookedStrategy(Strategy& strategy, Hooks& hooks, const Serving& serving)
      : strategy_(strategy), hooks_(hooks), serving_(serving) {}

  void prepare(const StagedRelease& release, StepDone done) override {
    hooks_.begin(release, serving_.release());
    hooks_.accept([this, release, done = std::move(done)](Result<void> accepted) {
      if (!accepted) return done(std::move(accepted));
      strategy_.prepare(release, [this, done](Result<void> prepared) {
        if (!prepared) return done(std::move(prepared));
        hooks_.before_suspend(done);
      });
    });
  }
  void suspend(StepDone done) override { strategy_.suspend(std::move(done)); }
  void migrate(StepDone done) override { strategy_.migrate(std::move(done)); }
  void resume(StepDone done) override {
    strategy_.resume([this, done = std::move(done)](Result<void> passed) {
      if (!passed) why_ = passed.error().message();
      done(std::move(passed));
    });
    why_ = "the new code ended";
    hooks_.after_resume();
  }
  void undo(StepDone done) override {
    hooks_.cancel();
    strategy_.undo(std::move(done));
  }
  void roll_back(StepDone done) override {
    hooks_.on_rollback(why_);
    strategy_.roll_back(std::move(done));
  }
  void committed() override { strategy_.committed(); }
  void stop_watching() override {
    hooks_.cancel();
    strategy_.stop_watching();
  }
  [[nodiscard]] bool holds(unsigned generation) const override { return strategy_.holds(generation); }
  [[nodiscard]] std::string why_in_vain() const override { return strategy_.why_in_vain(); }
  [[nodiscard]] const SwapReport& report() const override { return strategy_.report(); }

 private:
  Strategy& strategy_;
  Hooks& hooks_;
  const Serving& serving_;
  std::string why_;  ///< of a roll back
};

}  // namespace midair::sidecar
