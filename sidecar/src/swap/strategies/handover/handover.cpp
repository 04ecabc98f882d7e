#include "swap/strategies/handover/handover.h"

#include <utility>

#include "midair/log.h"
#include "process/memory.h"
#include "process/running_code.h"
#include "swap/unreadable_files.h"

namespace midair::sidecar {

namespace {

void succeed(EventLoop& loop, StepDone done) {
  loop.post([done = std::move(done)] { done({}); });
}

void fail(EventLoop& loop, StepDone done, Error error) {
  loop.post([done = std::move(done), error = std::move(error)] { done(error); });
}

Error not_the_release(const CodeVerdict& verdict, const ReleaseRef& release) {
  return {Errc::refused, "run", release.describe(),
          "process " + std::to_string(verdict.pid) + " runs " + verdict.path.string() +
              " of the base image; start it by a path relative to the release, or by an absolute one that the release "
              "has too"};
}

}  // namespace

Handover::Handover(const StrategyParts& parts)
    : loop_(parts.loop),
      supervisor_(parts.supervisor),
      serving_(parts.serving),
      transfer_(parts.transfer),
      probation_(parts.probation),
      fallback_(parts.fallback),
      ready_(parts.ready),
      ready_timeout_(parts.deadlines.ready),
      keep_warm_(parts.keep_warm) {}

void Handover::prepare(const StagedRelease& release, StepDone answer) {
  StepDone done = step_.forward(std::move(answer));
  report_ = {};
  transfer_.forget();
  holds_still_ = false;
  if (const std::string& problem = supervisor_.sockets().problem(); !problem.empty())
    return fail(loop_, std::move(done),
                Error{Errc::unavailable, "hand over to", "a new process", "its sockets can't be led: " + problem,
                      "restart the machine, or give --listen or --sockets off"});
  const Hello* keeper = keeper_of_state(supervisor_.find(serving_.generation()));
  keeper_ = keeper == nullptr ? std::nullopt : std::optional(*keeper);
  auto started = supervisor_.start(ref_of(release), keeper_ ? Entry::when_resumed : Entry::at_once);
  if (!started) return fail(loop_, std::move(done), std::move(started).error());
  serving_.try_beside(*started.value());
  if (!keeper_) return await_ready(std::move(done));
  transfer_.introduce(serving_.candidate(), keeper_->schema, release.target.upgrade_id, serving_.release(),
                      serving_.candidate_release(), [this, done = std::move(done)](Result<void> prepared) {
                        done(prepared ? observe({}) : std::move(prepared));
                      });
}

void Handover::await_ready(StepDone done) {
  const Generation* old = supervisor_.find(serving_.generation());
  const bool must_say_ready = serving_.candidate_waits() && old != nullptr && old->ready;
  readiness_.emplace(loop_, supervisor_, serving_.candidate(), ready_, must_say_ready, ready_timeout_,
                     [this, done = std::move(done)](Result<std::string> ready) {
                       readiness_.reset();
                       if (!ready) return done(with_unreadable(std::move(ready).error()));
                       done(observe(*ready));
                     });
}

/// A cause that the app may not have told, if it is one.
Error Handover::with_unreadable(Error error) {
  const Generation* candidate = supervisor_.find(serving_.candidate());
  const auto pids = candidate == nullptr ? std::vector<pid_t>() : candidate->child.processes();
  const std::string clause = unreadable_files(serving_.candidate_release().directory, pids);
  if (!clause.empty()) error.cause += "; " + clause;
  return error;
}

void Handover::suspend(StepDone answer) {
  StepDone done = step_.forward(std::move(answer));
  if (keeper_) {
    holds_still_ = true;
    suspended_at_ = loop_.clock().now();
    return transfer_.suspend(serving_.generation(), std::move(done));
  }
  if (keeper_of_state(supervisor_.find(serving_.generation())) == nullptr) return succeed(loop_, std::move(done));
  fail(loop_, std::move(done),
       Error{Errc::unavailable, "carry", "the app's state over", "only now the running code said that it keeps any"});
}

void Handover::migrate(StepDone answer) {
  StepDone done = step_.forward(std::move(answer));
  if (!keeper_) return succeed(loop_, std::move(done));
  transfer_.save(serving_.generation(), serving_.release(), [this, done = std::move(done)](Result<void> saved) {
    if (!saved) return done(std::move(saved));
    transfer_.give(serving_.candidate(), done);
  });
}

void Handover::resume(StepDone answer) {
  StepDone done = step_.forward(std::move(answer));
  if (serving_.at_boot()) return await_ready_and_watch(std::move(done));
  if (!keeper_) {
    take_over();
    return watch_candidate(std::move(done));
  }
  // Until the new one has said that it serves, the old one could go on.
  transfer_.resume(serving_.candidate(), [this, done = std::move(done)](Result<void> resumed) {
    if (!resumed) return done(std::move(resumed));
    report_.suspended = loop_.clock().now() - suspended_at_;
    take_over();
    if (ready_.kind == ReadyCheck::Kind::automatic) return watch_candidate(done);  // its `ok` was its READY=1
    await_ready_and_watch(done);
  });
}

void Handover::take_over() {
  Generation* old = supervisor_.find(serving_.generation());
  if (const Generation* candidate = supervisor_.find(serving_.candidate()))
    serving_.take_over(*candidate, old != nullptr && old->ready);
  holds_still_ = false;
  if (old == nullptr) return;
  if (may_stay_warm(*old)) {
    warm_ = old->number;
    return supervisor_.let_go(*old);
  }
  if (keeper_) supervisor_.sockets().retire(old->number);  // it accepts nothing any more
  supervisor_.drain(*old);
}

/// What has passed on a state, or has to end before its successor may take it, can't serve again.
bool Handover::may_stay_warm(const Generation& old) const {
  if (!keep_warm_ || keeper_ || supervisor_.keeps_descriptors()) return false;
  if (available_memory() >= resident_memory(old.child.processes())) return true;
  log(LogLevel::notice, "app.not_kept_warm", {{"why", "less memory is left than it has"}});
  return false;
}

void Handover::committed() {
  transfer_.forget();
  if (Generation* old = supervisor_.find(std::exchange(warm_, 0))) supervisor_.drain_when_finished(*old);
}

/// After the switch: also once it has passed, for what follows may fail.
Generation* Handover::new_process() const {
  return supervisor_.find(serving_.candidate() != 0 ? serving_.candidate() : serving_.generation());
}

bool Handover::go_back_to_warm() {
  Generation* old = supervisor_.find(std::exchange(warm_, 0));
  if (old == nullptr || old->child.ended()) return false;
  supervisor_.take_back(*old);
  Generation* failed = new_process();
  serving_.go_back_to(*old);
  if (failed == nullptr) return true;
  supervisor_.sockets().retire(failed->number);
  supervisor_.drain(*failed);
  return true;
}

void Handover::await_ready_and_watch(StepDone done) {
  await_ready([this, done = std::move(done)](Result<void> ready) {
    if (!ready) return done(std::move(ready));
    watch_candidate(done);
  });
}

void Handover::watch_candidate(StepDone done) {
  probation_.begin(serving_.candidate(), nullptr, [this, done = std::move(done)](Result<void> passed) {
    if (passed) serving_.pass_candidate();
    done(std::move(passed));
  });
}

void Handover::undo(StepDone answer) { undo_now(step_.back(std::move(answer))); }

void Handover::undo_now(StepDone done) {
  readiness_.reset();
  transfer_.cancel();
  if (Generation* candidate = supervisor_.find(serving_.candidate())) supervisor_.kill(*candidate);
  serving_.give_up_candidate();
  if (!holds_still_) return succeed(loop_, std::move(done));
  transfer_.abort(serving_.generation(), [this, done = std::move(done)](const Result<void>& aborted) {
    if (!aborted && !stopping_) return start_anew(aborted.error(), done);
    holds_still_ = false;
    transfer_.forget();
    done({});
  });
}

void Handover::start_anew(const Error& why, StepDone done) {
  log(LogLevel::error, "app.not_aborted", {{"release", serving_.release().describe()}, {"error", why.to_string()}});
  const unsigned hung = serving_.generation();
  Generation* process = supervisor_.find(hung);
  serving_.expect_ready(process != nullptr && process->ready);
  fallback_.bring_back(serving_.release(), std::move(done));
  holds_still_ = false;
  if (process != nullptr) supervisor_.kill(*process);
}

void Handover::stop_watching() {
  stopping_ = true;
  cancel();
  step_.stop();
}

void Handover::cancel() {
  readiness_.reset();
  transfer_.cancel();
  probation_.cancel();
  fallback_.cancel();
}

void Handover::roll_back(StepDone answer) {
  StepDone done = step_.back(std::move(answer));
  cancel();
  // The old was never told to drain: it serves on.
  if (serving_.candidate_waits()) return undo_now(std::move(done));
  if (stopping_ || go_back_to_warm()) return succeed(loop_, std::move(done));
  save_newer_state([this, done = std::move(done)](const Result<void>&) {
    // If it lives it may be in the middle of answers: it gets the time to finish them.
    if (Generation* failed = new_process()) supervisor_.drain(*failed);
    serving_.give_up_candidate();
    fallback_.bring_back(serving_.fallback(), done);
  });
}

void Handover::save_newer_state(StepDone done) {
  const Hello* failed = keeper_of_state(supervisor_.find(serving_.candidate()));
  const bool wanted = transfer_.saved() && failed != nullptr && keeper_->imports_schema(failed->schema);
  if (!wanted) return done({});
  transfer_.suspend(serving_.candidate(), [this, done = std::move(done)](Result<void> suspended) {
    if (!suspended) return done(std::move(suspended));
    transfer_.save(serving_.candidate(), serving_.candidate_release(), done);
  });
}

Result<void> Handover::observe(const std::string& named_release) {
  report_.units_succeeded = 1;
  report_.observed_digest = named_release;
  const Generation* candidate = supervisor_.find(serving_.candidate());
  if (!named_release.empty() || candidate == nullptr || candidate->release.is_base_image()) return {};
  const CodeVerdict verdict =
      running_code(candidate->child.processes(), supervisor_.base_dir(), candidate->release.directory);
  switch (verdict.origin) {
    case CodeVerdict::Origin::of_release: report_.observed_digest = candidate->release.digest; return {};
    case CodeVerdict::Origin::of_base: return not_the_release(verdict, candidate->release);
    case CodeVerdict::Origin::unknown: break;
  }
  log(LogLevel::warning, "swap.code_unseen",
      {{"release", candidate->release.describe()}, {"also_runs", verdict.path.string()}});
  return {};
}

}  // namespace midair::sidecar
