#include "upgrade/upgrades.h"

#include "midair/log.h"
#include "process/stop_signal.h"
#include "state/marker.h"

namespace midair::sidecar {

namespace {

double milliseconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Of one that took the app's state with it that comes first.
std::string error_of(const SwapOutcome& outcome) {
  std::string error = outcome.error ? outcome.error->message() : "";
  if (!outcome.report.state_lost) return error;
  const auto& ended = outcome.last_words.ended_by_itself;
  const std::string how = ended ? ended->text() : "had to be ended";
  return "restarted, state lost: " + (error.find(how) == std::string::npos ? "it " + how + "; " : "") + error;
}

void tell_last_words(const LastWords& words, UpgradeResult& result) {
  result.output = words.lines;
  if (!words.ended_by_itself) return;
  if (const int signo = words.ended_by_itself->signal(); signo != 0)
    result.signal = signal_name(signo);
  else
    result.exit_status = words.ended_by_itself->code();
}

/// Failures of the transfer and of this disk say nothing about the release: they are tried again for ever.
bool may_pass_by_itself(const Error& error) {
  return error.retryable() || error.code == Errc::corrupt || error.code == Errc::not_found ||
         error.code == Errc::no_space || error.code == Errc::io || error.code == Errc::denied;
}

}  // namespace

void Upgrades::begin() {
  running_ = !ending_;
  consider();
}

void Upgrades::stop() {
  ending_ = true;
  running_ = false;
  retries_.clear();
  // What is being taken back has failed; all else that this ends says nothing about the release.
  if (may_still_succeed(parts_.swap.state())) warn_unwritten(parts_.attempts.forgive(parts_.swap.target()->upgrade_id));
}

void Upgrades::remember(const Decision& decision) {
  decision_ = decision;
  if (decision.refused) tell_of_refusal();
}

void Upgrades::decided(const Decision& decision) {
  remember(decision);
  if (decision.target)
    log(LogLevel::info, "pointer.seen",
        {{"version", decision.target->version}, {"sequence", std::to_string(decision.target->sequence)}});
  else
    log(LogLevel::info, "pointer.nothing_to_do", {{"why", decision.reason}});
  overtake();
  consider();
}

/// Whoever looks for the result of a machine that never tried the release finds out why.
void Upgrades::tell_of_refusal() {
  const Target& target = *decision_->target;
  if (is_here(target) || parts_.attempts.refused(target.upgrade_id)) return;
  report(target, UpgradeStatus::failed, "not tried here: every machine that tried it failed");
}

/// A fix must not wait until the release that it mends has failed.
void Upgrades::overtake() {
  const std::optional<Target>& older = parts_.swap.target();
  if (!running_ || !older || superseded_ >= kMostSuperseded) return;
  const std::optional<Target> newer = wanted();
  if (!newer || newer->digest == older->digest) return;
  if (parts_.swap.superseded(newer->version))
    log(LogLevel::notice, "release.superseded", {{"version", older->version}, {"by", newer->version}});
}

void Upgrades::rejected(const Rejection& rejection) {
  const auto& [error, named, last_good] = rejection;
  log(LogLevel::warning, "pointer.rejected", {{"error", error.to_string()}});
  if (named.upgrade_id.empty()) return;  // no pointer: what was seen before still holds
  report(named, UpgradeStatus::failed, error.message());
  decision_ = Decision{{}, error.message(), false, last_good};
  consider();
}

/// It runs, is committed, or is being swapped in: whether it may be tried is no question any more.
bool Upgrades::is_here(const Target& target) const {
  const std::optional<Target>& swapped = parts_.swap.target();
  return target.hot_ref == parts_.serving.release().hot_ref || target.hot_ref == parts_.serving.committed().hot_ref ||
         (swapped && target.hot_ref == swapped->hot_ref);
}

bool Upgrades::may_run(const Target& target, const std::set<std::string>& but) {
  if (but.contains(target.upgrade_id) || retries_.contains(target.upgrade_id)) return false;
  return is_here(target) || may_try(target);
}

std::optional<Target> Upgrades::wanted(const std::set<std::string>& but) {
  if (!decision_) return std::nullopt;
  const std::optional<Target>& target = decision_->target;
  if (target && !decision_->refused && may_run(*target, but)) return target;
  return stand_in(but);
}

std::optional<Target> Upgrades::stand_in(const std::set<std::string>& but) {
  if (!decision_ || !decision_->last_good || !parts_.serving.committed().is_base_image()) return std::nullopt;
  return may_run(*decision_->last_good, but) ? decision_->last_good : std::nullopt;
}

void Upgrades::refuse_again(const Target& target) {
  const std::string& id = target.upgrade_id;
  const auto why = parts_.attempts.refused(id);
  if (!why) return;
  report(target, parts_.attempts.was_rolled_back(id) ? UpgradeStatus::rolled_back : UpgradeStatus::failed, *why);
}

void Upgrades::report(const Target& target, UpgradeStatus status, const std::string& why) {
  UpgradeResult result = parts_.announcer.result_for(target, status);
  result.error = why;
  parts_.announcer.result(target.upgrade_id, result);
}

void Upgrades::consider() {
  if (!running_ || parts_.swap.state() != SwapState::idle) return;
  const std::optional<Target> wanted_now = wanted();
  if (!wanted_now) return;
  const Target& target = *wanted_now;
  const ReleaseRef& serving = parts_.serving.release();
  if (target.hot_ref == serving.hot_ref && target.hot_ref == parts_.serving.committed().hot_ref) return;
  if (target.digest == serving.digest) return adopt(target);
  if (auto counted = parts_.attempts.begin(target.upgrade_id); !counted) return put_off(target, counted.error());
  parts_.announcer.disk_problem("");
  parts_.announcer.result(target.upgrade_id, pending(target));
  parts_.swap.begin(target);
}

/// With what went wrong the last time.
UpgradeResult Upgrades::pending(const Target& target) const {
  UpgradeResult result = parts_.announcer.result_for(target, UpgradeStatus::pending);
  if (target.upgrade_id == failed_of_) result.error = failure_;
  return result;
}

void Upgrades::put_off(const Target& target, const Error& error) {
  log(LogLevel::error, "state.unwritable", {{"version", target.version}, {"error", error.to_string()}});
  parts_.announcer.disk_problem(error.message());
  UpgradeResult result = parts_.announcer.result_for(target, UpgradeStatus::pending);
  result.error = error.message();
  retry_later(target.upgrade_id, error, result);
  parts_.announcer.result(target.upgrade_id, result);
}

bool Upgrades::may_try(const Target& target) {
  const std::string& id = target.upgrade_id;
  if (parts_.attempts.refused(id)) return false;
  if (parts_.attempts.count(id) < Attempts::kMaxAttempts) return true;
  const std::string why = "it was tried " + std::to_string(Attempts::kMaxAttempts) + " times and never finished";
  warn_unwritten(parts_.attempts.refuse(id, why));
  log(LogLevel::error, "release.quarantined", {{"version", target.version}, {"why", why}});
  report(target, UpgradeStatus::failed, why);
  return false;
}

void Upgrades::adopt(const Target& target) {
  const Marker marker{target.name(), format_rfc3339(parts_.loop.clock().wall())};
  if (auto written = write_marker(parts_.dir.marker(), marker); !written) return put_off(target, written.error());
  parts_.serving.rename(target.name());
  parts_.serving.commit();
  if (auto pointed = parts_.dir.point_current_at(parts_.serving.release().directory); !pointed)
    log(LogLevel::warning, "current.not_set", {{"error", pointed.error().to_string()}});
  log(LogLevel::notice, "release.adopted", {{"version", target.version}, {"why", "the same code runs already"}});
  UpgradeResult result = parts_.announcer.result_for(target, UpgradeStatus::completed);
  result.observed_digest = target.digest;
  result.total_duration_ms = 0;
  parts_.announcer.record(MachineState::serving);
  parts_.announcer.result(target.upgrade_id, result);
}

void Upgrades::entered(SwapState state) {
  const Target& target = *parts_.swap.target();
  UpgradeResult result = pending(target);
  result.started_at = parts_.swap.started_at();
  result.step = to_string(state);
  if (!parts_.swap.problem().empty()) result.error = parts_.swap.problem();
  parts_.announcer.disk_problem(parts_.swap.problem());
  parts_.announcer.result(target.upgrade_id, result);
}

void Upgrades::finished(const SwapOutcome& outcome) {
  const bool superseded = !outcome.superseded_by.empty();
  UpgradeResult result = parts_.announcer.result_for(outcome.target, outcome.status);
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
    result.error = error_of(outcome);
    tell_last_words(outcome.last_words, result);
    superseded && !outcome.report.state_lost ? give_way(outcome, result) : failed(outcome, result);
  }
  superseded_ = superseded ? superseded_ + 1 : 0;
  // The record first: whoever reads the result finds the record to match.
  if (!ending_) parts_.announcer.record(MachineState::serving);
  const bool interrupted = !superseded && outcome.error && outcome.error->code == Errc::cancelled;
  if (!interrupted) parts_.announcer.result(outcome.target.upgrade_id, result);
  consider();
}

void Upgrades::completed(const SwapOutcome& outcome) {
  parts_.serving.commit();
  parts_.announcer.disk_problem("");
  retry_delay_.reset();
  log(LogLevel::notice, "release.committed",
      {{"version", outcome.target.version},
       {"digest", outcome.target.digest.substr(0, 12)},
       {"took_ms", std::to_string(static_cast<long>(milliseconds_of(outcome.took)))}});
  // Where the last good release stands in for what the pointer names, that must stay refused.
  const bool stands_in = decision_ && decision_->target && decision_->target->hot_ref != outcome.target.hot_ref;
  warn_unwritten(parts_.attempts.forget_all_but(stands_in ? decision_->target->upgrade_id : ""));
  collect_garbage();
  parts_.store_thread.reconsider(parts_.serving.committed().sequence);
}

void Upgrades::collect_garbage() {
  std::set<std::string> keep{parts_.serving.committed().digest, parts_.serving.fallback().digest};
  // A process that took upgrades in place still has its files where it was started.
  if (const Generation* serving = parts_.supervisor.find(parts_.serving.generation()))
    keep.insert(serving->release.digest);
  if (auto collected = parts_.dir.collect_garbage(keep); !collected)
    log(LogLevel::warning, "garbage.not_collected", {{"error", collected.error().to_string()}});
}

void Upgrades::give_way(const SwapOutcome& outcome, UpgradeResult& result) {
  result.error = "superseded by " + outcome.superseded_by;
  parts_.attempts.forgive_later(outcome.target.upgrade_id);  // the newer one doesn't wait for that
}

void Upgrades::failed(const SwapOutcome& outcome, UpgradeResult& result) {
  const std::string& id = outcome.target.upgrade_id;
  log(LogLevel::error, outcome.status == UpgradeStatus::rolled_back ? "release.rolled_back" : "release.failed",
      {{"version", outcome.target.version}, {"state", to_string(outcome.ended_in)}, {"error", result.error}});
  const bool fetching = outcome.ended_in == SwapState::fetching;
  const bool cancelled = outcome.error && outcome.error->code == Errc::cancelled;
  const bool rolled_back = outcome.status == UpgradeStatus::rolled_back;
  const bool asked_to_wait = !rolled_back && outcome.error && outcome.error->code == Errc::throttled;
  if (cancelled && ending_) return;  // forgiven by stop()
  const bool state_lost = outcome.report.state_lost;
  if (!state_lost &&
      (cancelled || asked_to_wait || (fetching && outcome.error && may_pass_by_itself(*outcome.error)))) {
    warn_unwritten(parts_.attempts.forgive(id));
    return retry_later(id, *outcome.error, result);
  }
  const bool tried_enough = parts_.attempts.count(id) >= Attempts::kMaxAttempts;
  if (!fetching && !rolled_back && !tried_enough && !state_lost)
    return retry_later(id, outcome.error.value_or(Error{}), result);
  // Rolled back, broken in itself, or the app's state was lost: another try would hurt clients and end the same.
  warn_unwritten(
      parts_.attempts.refuse(id, result.error, rolled_back ? Attempts::After::roll_back : Attempts::After::failure));
}

void Upgrades::retry_later(const std::string& upgrade_id, const Error& error, UpgradeResult& result) {
  if (ending_) return;
  if (failed_of_ != upgrade_id) retry_delay_.reset();  // what another release came to says nothing about this one
  const auto delay = retry_delay_.after(error);
  result.status = UpgradeStatus::pending;
  result.retry_at = format_rfc3339(parts_.loop.clock().wall() + delay);
  failed_of_ = upgrade_id;
  failure_ = result.error;
  retries_[upgrade_id] = parts_.loop.after(delay, [this, upgrade_id] {
    retries_.erase(upgrade_id);
    consider();
  });
}

}  // namespace midair::sidecar
