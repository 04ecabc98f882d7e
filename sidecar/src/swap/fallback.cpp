#include "swap/fallback.h"

#include <utility>

#include "midair/log.h"

namespace midair {

void Fallback::bring_back(const ReleaseRef& release, StepDone done) {
  done_ = std::move(done);
  start(release);
}

void Fallback::start(const ReleaseRef& release) {
  release_ = release;
  auto started = supervisor_.start(release);
  if (!started) {
    loop_.post([this, error = std::move(started).error()] { failed(error); });
    return;
  }
  serving_.serve_with(*started.value());
  readiness_.emplace(loop_, supervisor_, serving_.generation, check_for_return(), ready_timeout_,
                     [this](const Result<std::string>& ready) {
                       readiness_.reset();
                       if (!ready) return failed(ready.error());
                       std::exchange(done_, nullptr)({});
                     });
}

bool Fallback::exited(unsigned generation, const std::string& how) {
  if (!done_ || generation != serving_.generation) return false;
  readiness_.reset();
  failed(Error{Errc::refused, "bring back", serving_.release.describe(), "it " + how});
  return true;
}

void Fallback::cancel() {
  readiness_.reset();
  done_ = nullptr;
}

void Fallback::failed(const Error& error) {
  log(LogLevel::error, "swap.fallback_failed", {{"release", release_.describe()}, {"error", error.to_string()}});
  if (!done_) return;
  if (Generation* failed = supervisor_.find(serving_.generation)) supervisor_.kill(*failed);
  if (release_.is_base_image()) return std::exchange(done_, nullptr)(error);
  serving_.fallback_said_ready = false;
  start(base_image_);
}

ReadyCheck Fallback::check_for_return() const {
  if (check_.kind == ReadyCheck::Kind::notify && !serving_.fallback_said_ready) return {ReadyCheck::Kind::alive};
  return check_;
}

}  // namespace midair
