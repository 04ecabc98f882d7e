#include "swap/handover.h"

#include <utility>

#include "midair/digest.h"
#include "midair/log.h"

namespace midair {

namespace {

/// Health in probation is asked once a second; three failures in a row are an illness at once, fewer count at the end.
constexpr std::chrono::milliseconds kHealthInterval{1000};
constexpr std::chrono::milliseconds kHealthTimeout{1000};
constexpr unsigned kMaxUnhealthy = 3;

ReleaseRef ref_of(const StagedRelease& release) {
  return {release.target.version, release.target.sha256, release.target.hot_ref, release.target.sequence,
          release.directory};
}

bool asks_over_the_network(const ReadyCheck& check) {
  return check.kind == ReadyCheck::Kind::http || check.kind == ReadyCheck::Kind::tcp;
}

}  // namespace

Handover::Handover(EventLoop& loop, Supervisor& supervisor, ReleaseRef base_image, Settings settings)
    : loop_(loop), supervisor_(supervisor), base_image_(std::move(base_image)), settings_(std::move(settings)) {}

void Handover::serve_with(const Generation& generation) {
  serving_ = generation.number;
  serving_release_ = generation.release;
}

void Handover::rename_serving(const std::string& version, const std::string& hot_ref, std::uint64_t sequence) {
  serving_release_.version = version;
  serving_release_.hot_ref = hot_ref;
  serving_release_.sequence = sequence;
}

void Handover::adopt_candidate(const Generation& candidate, const ReleaseRef& fallback) {
  serve_with(candidate);
  candidate_ = candidate.number;
  candidate_release_ = candidate.release;
  fallback_ = fallback;
  fallback_said_ready_ = false;
}

void Handover::prepare(const StagedRelease& release, StepDone done) {
  candidate_release_ = ref_of(release);
  observed_.clear();
  auto started = supervisor_.start(candidate_release_);
  if (!started) {
    loop_.post([done, error = std::move(started).error()] { done(error); });
    return;
  }
  candidate_ = started.value()->number;
  readiness_.emplace(loop_, supervisor_, candidate_, settings_.ready, settings_.ready_timeout,
                     [this, done](Result<std::string> ready) {
                       readiness_.reset();
                       if (!ready) return done(std::move(ready).error());
                       observe(*ready);
                       done({});
                     });
}

void Handover::suspend(StepDone done) {
  loop_.post([done = std::move(done)] { done({}); });
}

void Handover::migrate(StepDone done) {
  loop_.post([done = std::move(done)] { done({}); });
}

void Handover::resume(StepDone done) {
  if (serving_ != candidate_) {
    fallback_ = serving_release_;
    Generation* old = supervisor_.find(serving_);
    fallback_said_ready_ = old != nullptr && old->ready;
    serving_ = candidate_;
    serving_release_ = candidate_release_;
    if (old != nullptr) supervisor_.drain(*old);
    return watch_candidate(done);
  }
  // At boot nothing else serves: it has the same time to become ready as it would have had beside another.
  readiness_.emplace(loop_, supervisor_, candidate_, settings_.ready, settings_.ready_timeout,
                     [this, done](Result<std::string> ready) {
                       readiness_.reset();
                       if (!ready) return done(std::move(ready).error());
                       observe(*ready);
                       watch_candidate(done);
                     });
}

void Handover::watch_candidate(const StepDone& done) {
  unhealthy_ = 0;
  illness_.reset();
  probation_ = loop_.after(settings_.probation, [this, done] {
    next_check_ = {};
    health_.reset();
    if (illness_) return done(*illness_);
    candidate_ = 0;
    done({});
  });
  if (asks_over_the_network(settings_.ready))
    next_check_ = loop_.after(kHealthInterval, [this, done] { check_health(done); });
}

void Handover::check_health(const StepDone& done) {
  health_.emplace(loop_, supervisor_, candidate_, settings_.ready, kHealthTimeout,
                  [this, done](const Result<std::string>& healthy) {
                    health_.reset();
                    unhealthy_ = healthy ? 0 : unhealthy_ + 1;
                    illness_ = healthy ? std::nullopt : std::optional(healthy.error());
                    if (unhealthy_ >= kMaxUnhealthy) {
                      probation_ = {};
                      return done(*illness_);
                    }
                    next_check_ = loop_.after(kHealthInterval, [this, done] { check_health(done); });
                  });
}

void Handover::undo(StepDone done) {
  readiness_.reset();
  if (Generation* candidate = supervisor_.find(candidate_)) supervisor_.kill(*candidate);
  candidate_ = 0;
  loop_.post([done = std::move(done)] { done({}); });
}

void Handover::stop_watching() {
  readiness_.reset();
  health_.reset();
  probation_ = {};
  next_check_ = {};
  bringing_back_ = nullptr;
}

void Handover::roll_back(StepDone done) {
  stop_watching();
  if (serving_ != candidate_ && candidate_ != 0) return undo(std::move(done));  // the old was never told to drain
  // If it lives it may be in the middle of answers: it gets the time to finish them.
  if (Generation* candidate = supervisor_.find(candidate_)) supervisor_.drain(*candidate);
  candidate_ = 0;
  bring_back(fallback_, done);
}

void Handover::bring_back(const ReleaseRef& release, const StepDone& done) {
  bringing_back_ = done;
  auto started = supervisor_.start(release);
  if (!started) {
    loop_.post([this, error = std::move(started).error()] { fallback_failed(error); });
    return;
  }
  serve_with(*started.value());
  readiness_.emplace(loop_, supervisor_, serving_, check_for_fallback(), settings_.ready_timeout,
                     [this](const Result<std::string>& ready) {
                       readiness_.reset();
                       if (!ready) return fallback_failed(ready.error());
                       std::exchange(bringing_back_, nullptr)({});
                     });
}

bool Handover::fallback_exited(unsigned generation, const std::string& how) {
  if (!bringing_back_ || generation != serving_) return false;
  readiness_.reset();
  fallback_failed(Error{Errc::refused, "bring back", serving_release_.describe(), "it " + how});
  return true;
}

void Handover::fallback_failed(const Error& error) {
  log(LogLevel::error, "swap.fallback_failed",
      {{"release", serving_release_.describe()}, {"error", error.to_string()}});
  const StepDone done = std::exchange(bringing_back_, nullptr);
  if (!done) return;
  if (Generation* failed = supervisor_.find(serving_)) supervisor_.kill(*failed);
  if (serving_release_.is_base_image()) return done(error);
  fallback_said_ready_ = false;
  bring_back(base_image_, done);
}

void Handover::observe(const std::string& named_release) {
  observed_ = named_release;
  if (!observed_.empty()) return;
  // The directory in which the kernel sees the process run is named after the digest.
  const Generation* candidate = supervisor_.find(candidate_);
  if (candidate == nullptr) return;
  std::error_code error;
  const auto directory =
      std::filesystem::read_symlink("/proc/" + std::to_string(candidate->child.pid()) + "/cwd", error);
  if (!error && is_sha256_hex(directory.filename().string())) observed_ = directory.filename().string();
}

ReadyCheck Handover::check_for_fallback() const {
  if (settings_.ready.kind == ReadyCheck::Kind::notify && !fallback_said_ready_) return {ReadyCheck::Kind::alive};
  return settings_.ready;
}

}  // namespace midair
