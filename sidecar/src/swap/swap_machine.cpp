#include "swap/swap_machine.h"

#include <algorithm>
#include <utility>

#include "midair/durable_file.h"
#include "midair/duration.h"
#include "midair/fault.h"
#include "midair/log.h"
#include "state/journal.h"
#include "state/marker.h"

namespace midair::sidecar {

namespace {

std::string enter_point(SwapState state) { return std::string("swap.enter.") + to_string(state); }
std::string leave_point(SwapState state) { return std::string("swap.leave.") + to_string(state); }

/// Whether the state is on disk before the action begins. The switch writes its own record; restore and commit end in
/// removing it. While callers are held nothing is written that no restart needs: a migration goes by the record from
/// before the suspension, and to resume by that of the switch.
constexpr bool is_journaled_first(SwapAction action) {
  switch (action) {
    case SwapAction::stage:
    case SwapAction::prepare:
    case SwapAction::suspend:
    case SwapAction::undo:
    case SwapAction::roll_back: return true;
    case SwapAction::none:
    case SwapAction::migrate:
    case SwapAction::switch_over:
    case SwapAction::resume:
    case SwapAction::commit:
    case SwapAction::restore:
    case SwapAction::give_up: return false;
  }
  return false;
}

}  // namespace

std::vector<std::string> swap_fault_points() {
  std::vector<std::string> points;
  for (const SwapRow& row : kSwapTable) {
    const bool has_action = row.action != SwapAction::none && row.action != SwapAction::give_up;
    const bool listed = !points.empty() && std::find(points.begin(), points.end(), enter_point(row.to)) != points.end();
    if (!has_action || listed) continue;
    points.push_back(enter_point(row.to));
    points.push_back(leave_point(row.to));
  }
  return points;
}

SwapMachine::SwapMachine(EventLoop& loop, const StateDir& dir, Strategy& strategy, SwapDeadlines deadlines,
                         Events events)
    : loop_(loop), dir_(dir), strategy_(strategy), deadlines_(deadlines), events_(std::move(events)) {}

void SwapMachine::begin(const Target& target) {
  start_over(target);
  handle(SwapEvent::release_found);
}

void SwapMachine::booted(const StagedRelease& release) {
  start_over(release.target);
  release_ = release;
  handle(SwapEvent::booted);
}

void SwapMachine::start_over(const Target& target) {
  target_ = target;
  release_.reset();
  outcome_ = {};
  outcome_.target = target;
  last_current_.clear();
  suspended_at_ = {};
  began_ = loop_.clock().now();
  outcome_.started_at = format_rfc3339(loop_.clock().wall());
}

void SwapMachine::staged(Result<StagedRelease> release) {
  if (state_ != SwapState::fetching) return;  // cancelled meanwhile
  if (!release) return fail(std::move(release).error());
  release_ = std::move(release).value();
  complete({});
}

void SwapMachine::candidate_exited(const std::string& how) {
  if (!swap_row(state_, SwapEvent::candidate_exited)) return;
  outcome_.error = Error{Errc::refused, "run", "version " + target_->version, "it " + how,
                         "look at the app's own output on this machine"};
  handle(SwapEvent::candidate_exited);
}

void SwapMachine::stop_requested() {
  stopping_ = true;
  if (!swap_row(state_, SwapEvent::stop_requested)) return;
  outcome_.error = Error{Errc::cancelled, "swap to", "version " + target_->version, "the machine is being stopped"};
  handle(SwapEvent::stop_requested);
}

bool SwapMachine::superseded(const std::string& version) {
  if (!swap_row(state_, SwapEvent::superseded)) return false;
  outcome_.superseded_by = version;
  outcome_.error = Error{Errc::cancelled, "swap to", "version " + target_->version, "superseded by " + version};
  handle(SwapEvent::superseded);
  return true;
}

void SwapMachine::handle(SwapEvent event) {
  if (const auto row = swap_row(state_, event)) enter(*row);
}

void SwapMachine::enter(const SwapRow& row) {
  ++step_;
  deadline_ = {};
  const bool failed = row.to == SwapState::aborted || row.to == SwapState::rolling_back;
  if (failed) {
    outcome_.ended_in = row.from;
    hear_last_words();
  }
  if (row.to == SwapState::prepared) suspended_at_ = loop_.clock().now();
  if (row.to == SwapState::probation && row.from == SwapState::migrated && suspended_at_ > BootTime{})
    outcome_.suspended_for = loop_.clock().now() - suspended_at_;
  state_ = row.to;
  since_ = loop_.clock().now();
  log(LogLevel::info, std::string("swap.") + to_string(state_),
      {{"version", target_->version}, {"digest", target_->digest.substr(0, 12)}, {"from", to_string(row.from)}});
  if (row.from != row.to) problem_.clear();
  if (state_ == SwapState::idle && row.from == SwapState::committed) strategy_.committed();
  if (state_ == SwapState::idle) return finish();
  if (events_.on_state) events_.on_state(state_);
  if (auto injected = fault(enter_point(state_))) {
    // What undoes or brings back can't be skipped: it goes on all the same.
    if (!failed) return complete_soon(*std::move(injected));
  }

  // A newer release doesn't wait for a record that no restart needs.
  if (is_journaled_first(row.action) && row.on != SwapEvent::superseded)
    if (auto written = note_in_journal(); !written) {
      // Without a journal nothing new is risked; what undoes or brings back goes on all the same.
      if (!failed) return complete_soon(std::move(written));
    }
  const auto limit = deadline_of(state_);
  if (limit.count() > 0)
    deadline_ = loop_.after(limit, [this, limit] {
      fail(Error{Errc::timeout, std::string("finish the step '") + to_string(state_) + "' of the swap to",
                 "version " + target_->version, "it took longer than " + format_duration(limit)});
    });
  act(row.action);
  if (row.action == SwapAction::resume) static_cast<void>(note_in_journal());  // only now, for callers were waiting
}

void SwapMachine::act(SwapAction action) {
  switch (action) {
    case SwapAction::none: return;
    case SwapAction::stage: return events_.stage(*target_);
    case SwapAction::prepare: return strategy_.prepare(*release_, step_done());
    case SwapAction::suspend: return strategy_.suspend(step_done());
    case SwapAction::migrate: return strategy_.migrate(step_done());
    case SwapAction::switch_over: return complete_soon(switch_over());
    case SwapAction::resume: return strategy_.resume(step_done());
    case SwapAction::commit: return complete_soon(commit());
    case SwapAction::undo:
      outcome_.status = UpgradeStatus::failed;
      events_.cancel_stage();
      if (outcome_.ended_in == SwapState::migrated) put_back_current();
      return strategy_.undo(step_done());
    case SwapAction::roll_back:
      outcome_.status = UpgradeStatus::rolled_back;
      return events_.find_fallback([this, done = step_done()] { strategy_.roll_back(done); });
    case SwapAction::restore: return complete_soon(restore());
    case SwapAction::give_up: return events_.on_lost(*outcome_.error);
  }
}

void SwapMachine::fail(Error error) {
  log(LogLevel::warning, "swap.step_failed",
      {{"state", to_string(state_)}, {"version", target_->version}, {"error", error.to_string()}});
  if (state_ == SwapState::committed) return commit_later(error);
  const bool undoing = state_ == SwapState::aborted || state_ == SwapState::rolled_back;
  if (!undoing) outcome_.error = std::move(error);
  handle(SwapEvent::step_failed);
}

/// Now, for what it says in its way out is of no interest; how it ended may be known later only.
void SwapMachine::hear_last_words() {
  if (!events_.candidate || !events_.last_words) return;
  failed_ = events_.candidate();
  outcome_.last_words = events_.last_words(failed_);
}

/// It serves well, but the next start would not know of it: nobody is told that it is done.
void SwapMachine::commit_later(const Error& error) {
  problem_ = error.message();
  if (events_.on_state) events_.on_state(state_);
  deadline_ = loop_.after(commit_delay_.next(), [this] { handle(SwapEvent::step_failed); });
}

void SwapMachine::finish() {
  outcome_.took = loop_.clock().now() - began_;
  if (release_) outcome_.report = strategy_.report();  // else it was never asked to do anything
  if (failed_ != 0) outcome_.last_words.ended_by_itself = events_.last_words(failed_).ended_by_itself;
  failed_ = 0;
  if (outcome_.report.suspended) outcome_.suspended_for = outcome_.report.suspended;
  if (auto cleared = clear_journal(dir_.journal()); !cleared)
    log(LogLevel::warning, "journal.not_cleared", {{"error", cleared.error().to_string()}});
  const SwapOutcome outcome = std::exchange(outcome_, {});
  target_.reset();
  release_.reset();
  events_.on_finished(outcome);
}

StepDone SwapMachine::step_done() {
  return [this, step = step_](Result<void> result) {
    if (step == step_) complete(std::move(result));  // else the step was given up
  };
}

void SwapMachine::complete(Result<void> result) {
  const bool unjudged = stopping_ && state_ == SwapState::probation && !result;
  if (unjudged && result.error().code == Errc::cancelled) return;
  // What undid is undone: failing it here would end a machine that serves well.
  if (result)
    if (auto injected = fault(leave_point(state_)); injected && state_ != SwapState::aborted)
      result = *std::move(injected);
  if (result) return handle(SwapEvent::step_done);
  fail(std::move(result).error());
}

void SwapMachine::complete_soon(Result<void> result) {
  loop_.post([done = step_done(), result = std::move(result)]() mutable { done(std::move(result)); });
}

std::chrono::milliseconds SwapMachine::deadline_of(SwapState state) const {
  switch (state) {
    case SwapState::fetching: return deadlines_.stage;
    // The strategy times readiness and what it asks of the app itself, and explains; this is for a strategy that hangs.
    case SwapState::staged: return deadlines_.ready + deadlines_.suspend;
    case SwapState::prepared: return 2 * deadlines_.suspend;
    case SwapState::suspended: return 3 * deadlines_.suspend;
    // The last good release gets its time to become ready, then the base image. After an abort that is needed only
    // where the process that was to stay died of the attempt.
    case SwapState::rolling_back:
    case SwapState::aborted: return 5 * deadlines_.suspend + 3 * deadlines_.ready;
    // Probation is timed by the strategy; the rest are local writes or no steps at all.
    case SwapState::probation:
    case SwapState::migrated:
    case SwapState::committed:
    case SwapState::rolled_back:
    case SwapState::idle:
    case SwapState::lost: return {};
  }
  return {};
}

Result<void> SwapMachine::note_in_journal() const {
  auto written = write_journal(state_, state_ == SwapState::probation || state_ == SwapState::rolling_back);
  if (!written) log(LogLevel::error, "journal.unwritable", {{"error", written.error().to_string()}});
  return written;
}

Result<void> SwapMachine::write_journal(SwapState state, bool switched) const {
  JournalEntry entry;
  entry.name() = target_->name();
  entry.upgrade_id = target_->upgrade_id;
  entry.state = to_string(state);
  entry.started_at = outcome_.started_at;
  entry.switched = switched;
  return sidecar::write_journal(dir_.journal(), entry);
}

Result<void> SwapMachine::switch_over() {
  std::error_code ignored;
  last_current_ = std::filesystem::read_symlink(dir_.current(), ignored).string();
  MIDAIR_TRY(write_journal(SwapState::migrated, true));
  return dir_.point_current_at(release_->directory);
}

Result<void> SwapMachine::commit() {
  return write_marker(dir_.marker(), {target_->name(), format_rfc3339(loop_.clock().wall())});
}

void SwapMachine::put_back_current() {
  if (auto restored = restore(); !restored)
    log(LogLevel::warning, "current.not_restored", {{"error", restored.error().to_string()}});
}

Result<void> SwapMachine::restore() {
  if (last_current_.empty()) return remove_file_durably(dir_.current());
  return replace_symlink_durably(dir_.current(), last_current_);
}

}  // namespace midair::sidecar
