#include "swap/strategy_choice.h"

#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

void StrategyChoice::prepare(const StagedRelease& release, StepDone done) {
  given_up_ = false;
  chosen_ = &handover_;
  if (release.manifest.strategy != kInPlace) return handover_.prepare(release, std::move(done));
  if (const std::string why_not = in_place_.why_not(); !why_not.empty())
    return prepare_handover(release, why_not, std::move(done));
  prepare_in_place(release, done);
}

void StrategyChoice::prepare_in_place(const StagedRelease& release, const StepDone& done) {
  chosen_ = &in_place_;
  in_place_.prepare(release, [this, release, done](Result<void> prepared) {
    if (!prepared || given_up_ || !in_place_.report().modules.empty()) return done(std::move(prepared));
    // What the release changes lies outside of its modules: it takes a new process to run it.
    in_place_.undo([this, release, done](Result<void> undone) {
      if (!undone || given_up_) return done(std::move(undone));
      prepare_handover(release, "none of its modules differs from what runs", done);
    });
  });
}

void StrategyChoice::prepare_handover(const StagedRelease& release, const std::string& why, StepDone done) {
  log(LogLevel::notice, "swap.not_in_place", {{"version", release.target.version}, {"why", why}});
  chosen_ = &handover_;
  handover_.prepare(release, std::move(done));
}

void StrategyChoice::undo(StepDone done) {
  given_up_ = true;
  chosen_->undo(std::move(done));
}

void StrategyChoice::stop_watching() {
  given_up_ = true;
  handover_.stop_watching();
  in_place_.stop_watching();
}

}  // namespace midair::sidecar
