#include "swap/probation.h"

#include <utility>

namespace midair {

namespace {

/// Health is asked once a second; three failures in a row are an illness at once, fewer count at the end.
constexpr std::chrono::milliseconds kHealthInterval{1000};
constexpr std::chrono::milliseconds kHealthTimeout{1000};
constexpr unsigned kMaxUnhealthy = 3;

bool can_be_asked(const ReadyCheck& check) {
  return check.kind == ReadyCheck::Kind::http || check.kind == ReadyCheck::Kind::tcp;
}

}  // namespace

void Probation::begin(unsigned generation, StepDone done) {
  cancel();
  generation_ = generation;
  done_ = std::move(done);
  unhealthy_ = 0;
  illness_.reset();
  end_ = loop_.after(length_, [this] {
    const StepDone end = done_;
    const auto illness = illness_;
    cancel();
    if (illness) return end(*illness);
    end({});
  });
  if (can_be_asked(check_)) next_check_ = loop_.after(kHealthInterval, [this] { check_health(); });
}

void Probation::cancel() {
  health_.reset();
  end_ = {};
  next_check_ = {};
  done_ = nullptr;
}

void Probation::check_health() {
  health_.emplace(loop_, supervisor_, generation_, check_, kHealthTimeout,
                  [this](const Result<std::string>& healthy) { judge(healthy); });
}

void Probation::judge(const Result<std::string>& healthy) {
  health_.reset();
  unhealthy_ = healthy ? 0 : unhealthy_ + 1;
  illness_ = healthy ? std::nullopt : std::optional(healthy.error());
  if (unhealthy_ < kMaxUnhealthy) {
    next_check_ = loop_.after(kHealthInterval, [this] { check_health(); });
    return;
  }
  const StepDone end = done_;
  const Error illness = *illness_;
  cancel();
  end(illness);
}

}  // namespace midair
