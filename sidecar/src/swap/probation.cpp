#include "swap/probation.h"

#include <utility>

namespace midair::sidecar {

namespace {

/// Health is asked once a second; three failures in a row are an illness at once, fewer count at the end.
constexpr std::chrono::milliseconds kInterval{1000};
constexpr unsigned kMaxUnhealthy = 3;

}  // namespace

void Probation::begin(unsigned generation, HealthCheck own, StepDone done) {
  cancel();
  generation_ = generation;
  done_ = std::move(done);
  asked_ = checks_;
  if (own) asked_.push_back(std::move(own));
  unhealthy_ = 0;
  illness_.reset();
  end_ = loop_.after(length_, [this] {
    const StepDone end = done_;
    const auto illness = illness_;
    cancel();
    if (illness) return end(*illness);
    end({});
  });
  next_round();
}

void Probation::cancel() {
  ++watch_;
  end_ = {};
  next_round_ = {};
  done_ = nullptr;
}

void Probation::next_round() {
  if (!asked_.empty()) next_round_ = loop_.after(kInterval, [this] { ask(0); });
}

void Probation::ask(std::size_t check) {
  if (check == asked_.size()) return judge({});
  asked_[check](generation_, [this, check, watch = watch_](const Result<void>& healthy) {
    if (watch != watch_) return;
    if (healthy) return ask(check + 1);
    judge(healthy);
  });
}

void Probation::judge(const Result<void>& healthy) {
  unhealthy_ = healthy ? 0 : unhealthy_ + 1;
  illness_ = healthy ? std::nullopt : std::optional(healthy.error());
  if (unhealthy_ < kMaxUnhealthy) return next_round();
  const StepDone end = done_;
  const Error illness = *illness_;
  cancel();
  end(illness);
}

}  // namespace midair::sidecar
