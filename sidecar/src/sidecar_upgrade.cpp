// Upgrades: which pointer leads to a swap, and what its outcome means for the next one.
#include <set>

#include "midair/log.h"
#include "sidecar.h"

namespace midair::sidecar {

namespace {

double milliseconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Failures of the transfer and of this disk say nothing about the release: they are tried again for ever.
bool may_pass_by_itself(const Error& error) {
  return error.retryable() || error.code == Errc::corrupt || error.code == Errc::not_found ||
         error.code == Errc::no_space || error.code == Errc::io || error.code == Errc::denied;
}

}  // namespace

void Sidecar::on_pointer(const Decision& decision) {
  decision_ = decision;
  if (!decision.target) log(LogLevel::info, "pointer.nothing_to_do", {{"why", decision.reason}});
  consider();
}

void Sidecar::consider() {
  if (phase_ != Phase::running || swap_->state() != SwapState::idle || !decision_ || !decision_->target) return;
  const Target& target = *decision_->target;
  const ReleaseRef& serving = serving_.release;
  if (target.hot_ref == serving.hot_ref || target.upgrade_id == retry_of_) return;
  if (target.sha256 == serving.digest) return adopt(target);
  if (!may_try(target)) return;
  if (auto counted = attempts_->begin(target.upgrade_id); !counted) return put_off(target, counted.error());
  reporter_->result(target.upgrade_id, result_for(target, UpgradeStatus::pending));
  swap_->begin(target);
}

void Sidecar::put_off(const Target& target, const Error& error) {
  log(LogLevel::error, "state.unwritable", {{"version", target.version}, {"error", error.to_string()}});
  UpgradeResult result = result_for(target, UpgradeStatus::failed);
  result.error = error.message();
  retry_later(target.upgrade_id, error, result);
  reporter_->result(target.upgrade_id, result);
}

bool Sidecar::may_try(const Target& target) {
  const std::string& id = target.upgrade_id;
  if (attempts_->refused(id)) return false;
  if (attempts_->count(id) < Attempts::kMaxAttempts) return true;
  const std::string why = "it was tried " + std::to_string(Attempts::kMaxAttempts) + " times and never finished";
  if (auto refused = attempts_->refuse(id, why); !refused)
    log(LogLevel::warning, "attempts.unwritable", {{"error", refused.error().to_string()}});
  log(LogLevel::error, "release.quarantined", {{"version", target.version}, {"why", why}});
  UpgradeResult result = result_for(target, UpgradeStatus::failed);
  result.error = why;
  reporter_->result(id, result);
  return false;
}

void Sidecar::adopt(const Target& target) {
  Marker marker{
      target.version, target.sha256, target.hot_ref, target.base_image_ref, format_rfc3339(system_clock().wall()),
      target.sequence};
  if (auto written = write_marker(dir_->marker(), marker); !written) return put_off(target, written.error());
  serving_.rename(target.version, target.hot_ref, target.sequence);
  committed_ = serving_.release;
  log(LogLevel::notice, "release.adopted", {{"version", target.version}, {"why", "the same code runs already"}});
  UpgradeResult result = result_for(target, UpgradeStatus::completed);
  result.observed_digest = target.sha256;
  result.total_duration_ms = 0;
  publish_record("serving");
  reporter_->result(target.upgrade_id, result);
}

void Sidecar::on_staged(Result<StagedRelease> release) {
  if (phase_ == Phase::running) return swap_->staged(std::move(release));
  if (phase_ != Phase::staging) return;
  if (release) return boot_staged(*release);
  boot_without(release.error().to_string());
}

void Sidecar::on_state(SwapState state) {
  const Target& target = *swap_->target();
  UpgradeResult result = result_for(target, UpgradeStatus::pending);
  result.started_at = swap_->started_at();
  result.step = to_string(state);
  reporter_->result(target.upgrade_id, result);
}

void Sidecar::on_finished(const SwapOutcome& outcome) {
  UpgradeResult result = result_for(outcome.target, outcome.status);
  result.started_at = outcome.started_at;
  result.total_duration_ms = milliseconds_of(outcome.took);
  if (outcome.suspended_for) result.suspend_duration_ms = milliseconds_of(*outcome.suspended_for);
  result.processes_succeeded = outcome.report.units_succeeded;
  result.processes_failed = outcome.report.units_failed;
  if (outcome.status == UpgradeStatus::completed) {
    result.observed_digest = outcome.report.observed_digest;
    result.modules_reloaded = outcome.report.modules.size();
    result.module_names = outcome.report.modules;
    completed(outcome);
  } else {
    result.step = to_string(outcome.ended_in);
    result.error = outcome.error ? outcome.error->message() : "";
    failed(outcome, result);
  }
  // The record first: whoever reads the result finds the record to match.
  if (phase_ != Phase::ending) publish_record("serving");
  const bool interrupted = outcome.error && outcome.error->code == Errc::cancelled;
  if (!interrupted) reporter_->result(outcome.target.upgrade_id, result);
  consider();
}

void Sidecar::completed(const SwapOutcome& outcome) {
  committed_ = serving_.release;
  retry_delay_.reset();
  log(LogLevel::notice, "release.committed",
      {{"version", outcome.target.version},
       {"digest", outcome.target.sha256.substr(0, 12)},
       {"took_ms", std::to_string(static_cast<long>(milliseconds_of(outcome.took)))}});
  settling_.reset();
  if (auto forgotten = attempts_->forget_all(); !forgotten)
    log(LogLevel::warning, "attempts.unwritable", {{"error", forgotten.error().to_string()}});
  collect_garbage();
  poller_->reconsider(committed_.sequence);
}

void Sidecar::collect_garbage() {
  std::set<std::string> keep{committed_.digest, serving_.fallback.digest};
  // A process that took upgrades in place still has its files where it was started.
  if (const Generation* serving = supervisor_->find(serving_.generation)) keep.insert(serving->release.digest);
  if (auto collected = dir_->collect_garbage(keep); !collected)
    log(LogLevel::warning, "garbage.not_collected", {{"error", collected.error().to_string()}});
}

void Sidecar::failed(const SwapOutcome& outcome, UpgradeResult& result) {
  const std::string& id = outcome.target.upgrade_id;
  log(LogLevel::error, outcome.status == UpgradeStatus::rolled_back ? "release.rolled_back" : "release.failed",
      {{"version", outcome.target.version}, {"state", to_string(outcome.ended_in)}, {"error", result.error}});
  const bool fetching = outcome.ended_in == SwapState::fetching;
  const bool cancelled = outcome.error && outcome.error->code == Errc::cancelled;
  const bool rolled_back = outcome.status == UpgradeStatus::rolled_back;
  const bool asked_to_wait = !rolled_back && outcome.error && outcome.error->code == Errc::throttled;
  if (cancelled || asked_to_wait || (fetching && outcome.error && may_pass_by_itself(*outcome.error))) {
    if (auto forgiven = attempts_->forgive(id); !forgiven)
      log(LogLevel::warning, "attempts.unwritable", {{"error", forgiven.error().to_string()}});
    return retry_later(id, *outcome.error, result);
  }
  const bool tried_enough = attempts_->count(id) >= Attempts::kMaxAttempts;
  if (!fetching && !rolled_back && !tried_enough) return retry_later(id, outcome.error.value_or(Error{}), result);
  // Rolled back, or broken in itself: another try would hurt clients again and end the same.
  if (auto refused = attempts_->refuse(id, result.error); !refused)
    log(LogLevel::warning, "attempts.unwritable", {{"error", refused.error().to_string()}});
}

void Sidecar::retry_later(const std::string& upgrade_id, const Error& error, UpgradeResult& result) {
  if (phase_ == Phase::ending) return;
  const auto delay = retry_delay_.after(error);
  result.retry_at = format_rfc3339(system_clock().wall() + delay);
  retry_of_ = upgrade_id;
  retry_ = loop_->after(delay, [this] {
    retry_of_.clear();
    consider();
  });
}

}  // namespace midair::sidecar
