#include "swap/strategy_choice.h"

#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

StrategyChoice::StrategyChoice(const StrategyParts& parts, std::span<const StrategyPlug> plugs)
    : parts_(parts), plugs_(plugs) {
  for (const StrategyPlug& plug : plugs_) strategies_.push_back(plug.make(parts_));
  chosen_ = strategies_.front().get();
}

void StrategyChoice::prepare(const StagedRelease& release, StepDone done) {
  given_up_ = false;
  const std::size_t plug = asked_for(release);
  if (const std::string why_not = plugs_[plug].why_not(parts_); !why_not.empty())
    return prepare_with_first(release, why_not, std::move(done));
  prepare_with(plug, release, done);
}

std::size_t StrategyChoice::asked_for(const StagedRelease& release) const {
  for (std::size_t i = 0; i < plugs_.size(); ++i)
    if (plugs_[i].name == release.manifest.strategy) return i;
  return 0;
}

void StrategyChoice::prepare_with(std::size_t plug, const StagedRelease& release, const StepDone& done) {
  chosen_ = strategies_[plug].get();
  chosen_->prepare(release, [this, release, done](Result<void> prepared) {
    const std::string why = prepared ? chosen_->why_in_vain() : std::string();
    if (why.empty() || given_up_) return done(std::move(prepared));
    chosen_->undo([this, release, why, done](Result<void> undone) {
      if (!undone || given_up_) return done(std::move(undone));
      prepare_with_first(release, why, done);
    });
  });
}

void StrategyChoice::prepare_with_first(const StagedRelease& release, const std::string& why, StepDone done) {
  log(LogLevel::notice, "swap.other_strategy",
      {{"version", release.target.version}, {"instead_of", release.manifest.strategy}, {"why", why}});
  chosen_ = strategies_.front().get();
  chosen_->prepare(release, std::move(done));
}

void StrategyChoice::undo(StepDone done) {
  given_up_ = true;
  chosen_->undo(std::move(done));
}

void StrategyChoice::stop_watching() {
  given_up_ = true;
  for (const auto& strategy : strategies_) strategy->stop_watching();
}

}  // namespace midair::sidecar
