#include "swap/fallback.h"

#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

void Fallback::bring_back(const ReleaseRef& release, StepDone done) {
  done_ = std::move(done);
  start(release);
}

void Fallback::start(const ReleaseRef& release) {
  release_ = release;
  const bool with_state = transfer_.saved().has_value();
  auto started = supervisor_.start(release, with_state ? Entry::when_resumed : Entry::at_once);
  if (!started) {
    loop_.post([this, error = std::move(started).error()] { failed(error); });
    return;
  }
  serving_.serve_with(*started.value());
  if (with_state) return hand_state_to(release);
  await_ready();
}

void Fallback::hand_state_to(const ReleaseRef& release) {
  const unsigned generation = serving_.generation();
  const auto next = [this, release](auto step) {
    return [this, release, step](const Result<void>& done) {
      if (!done) return start_without_state(release, done.error());
      step();
    };
  };
  const auto resume = [=, this] { transfer_.resume(generation, next([this] { await_ready(); })); };
  const auto give = [=, this] { transfer_.give(generation, next(resume)); };
  const SavedState& state = *transfer_.saved();
  transfer_.introduce(generation, state.schema(), "roll-back", state.from(), release, next(give));
}

void Fallback::start_without_state(const ReleaseRef& release, const Error& why) {
  log(LogLevel::error, "state.lost", {{"release", release.describe()}, {"error", why.to_string()}});
  transfer_.forget();
  const unsigned failed = serving_.generation();
  start(release);
  if (Generation* process = supervisor_.find(failed)) supervisor_.kill(*process);
}

void Fallback::await_ready() {
  // The `ok` to `resume` counts as READY=1.
  if (transfer_.saved() && check_.kind == ReadyCheck::Kind::automatic) return conclude({});
  readiness_.emplace(loop_, supervisor_, serving_.generation(), check_, serving_.fallback_said_ready(), ready_timeout_,
                     [this](const Result<std::string>& ready) {
                       readiness_.reset();
                       if (!ready) return failed(ready.error());
                       conclude({});
                     });
}

bool Fallback::exited(unsigned generation, const std::string& how) {
  if (!done_ || generation != serving_.generation()) return false;
  const bool was_given_state = !readiness_ && transfer_.saved();
  readiness_.reset();
  transfer_.cancel();
  const ReleaseRef release = serving_.release();
  const Error error{Errc::refused, "bring back", release.describe(), "it " + how};
  if (was_given_state)
    start_without_state(release, error);
  else
    failed(error);
  return true;
}

void Fallback::cancel() {
  readiness_.reset();
  transfer_.cancel();
  done_ = nullptr;
}

void Fallback::failed(const Error& error) {
  log(LogLevel::error, "swap.fallback_failed", {{"release", release_.describe()}, {"error", error.to_string()}});
  if (!done_) return;
  if (Generation* failed = supervisor_.find(serving_.generation())) supervisor_.kill(*failed);
  if (release_.is_base_image()) return conclude(error);
  serving_.expect_ready(false);
  start(base_image_);
}

void Fallback::conclude(Result<void> result) {
  transfer_.forget();
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace midair::sidecar
