#include "swap/handover.h"

#include <utility>

#include "midair/digest.h"

namespace midair {

namespace {

void succeed(EventLoop& loop, StepDone done) {
  loop.post([done = std::move(done)] { done({}); });
}

}  // namespace

Handover::Handover(EventLoop& loop, Supervisor& supervisor, Serving& serving, Probation& probation, Fallback& fallback,
                   Settings settings)
    : loop_(loop),
      supervisor_(supervisor),
      serving_(serving),
      probation_(probation),
      fallback_(fallback),
      settings_(std::move(settings)) {}

void Handover::prepare(const StagedRelease& release, StepDone done) {
  serving_.candidate_release = ref_of(release);
  report_ = {};
  auto started = supervisor_.start(serving_.candidate_release);
  if (!started) {
    loop_.post([done, error = std::move(started).error()] { done(error); });
    return;
  }
  serving_.candidate = started.value()->number;
  readiness_.emplace(loop_, supervisor_, serving_.candidate, settings_.ready, settings_.ready_timeout,
                     [this, done](Result<std::string> ready) {
                       readiness_.reset();
                       if (!ready) return done(std::move(ready).error());
                       observe(*ready);
                       done({});
                     });
}

void Handover::suspend(StepDone done) { succeed(loop_, std::move(done)); }

void Handover::migrate(StepDone done) { succeed(loop_, std::move(done)); }

void Handover::resume(StepDone done) {
  if (serving_.generation != serving_.candidate) {
    Generation* old = supervisor_.find(serving_.generation);
    serving_.fallback = serving_.release;
    serving_.fallback_said_ready = old != nullptr && old->ready;
    if (const Generation* candidate = supervisor_.find(serving_.candidate)) serving_.serve_with(*candidate);
    if (old != nullptr) supervisor_.drain(*old);
    return watch_candidate(std::move(done));
  }
  // At boot nothing else serves: it has the same time to become ready as it would have had beside another.
  readiness_.emplace(loop_, supervisor_, serving_.candidate, settings_.ready, settings_.ready_timeout,
                     [this, done](Result<std::string> ready) {
                       readiness_.reset();
                       if (!ready) return done(std::move(ready).error());
                       observe(*ready);
                       watch_candidate(done);
                     });
}

void Handover::watch_candidate(StepDone done) {
  probation_.begin(serving_.candidate, nullptr, [this, done = std::move(done)](Result<void> passed) {
    if (passed) serving_.candidate = 0;
    done(std::move(passed));
  });
}

void Handover::undo(StepDone done) {
  readiness_.reset();
  if (Generation* candidate = supervisor_.find(serving_.candidate)) supervisor_.kill(*candidate);
  serving_.candidate = 0;
  succeed(loop_, std::move(done));
}

void Handover::stop_watching() {
  readiness_.reset();
  probation_.cancel();
  fallback_.cancel();
}

void Handover::roll_back(StepDone done) {
  stop_watching();
  // The old was never told to drain: it serves on.
  if (serving_.generation != serving_.candidate && serving_.candidate != 0) return undo(std::move(done));
  // If it lives it may be in the middle of answers: it gets the time to finish them.
  if (Generation* candidate = supervisor_.find(serving_.candidate)) supervisor_.drain(*candidate);
  serving_.candidate = 0;
  fallback_.bring_back(serving_.fallback, std::move(done));
}

void Handover::observe(const std::string& named_release) {
  report_.units_succeeded = 1;
  report_.observed_digest = named_release;
  if (!named_release.empty()) return;
  // The directory in which the kernel sees the process run is named after the digest.
  const Generation* candidate = supervisor_.find(serving_.candidate);
  if (candidate == nullptr) return;
  std::error_code error;
  const auto directory =
      std::filesystem::read_symlink("/proc/" + std::to_string(candidate->child.pid()) + "/cwd", error);
  if (!error && is_sha256_hex(directory.filename().string())) report_.observed_digest = directory.filename().string();
}

}  // namespace midair
