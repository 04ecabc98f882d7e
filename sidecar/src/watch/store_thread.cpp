#include "watch/store_thread.h"

#include <algorithm>
#include <exception>
#include <system_error>

#include "midair/clock.h"
#include "midair/foreign_text.h"
#include "midair/log.h"

namespace midair::sidecar {

namespace {

using std::chrono::milliseconds;

constexpr double kJitter = 0.1;
constexpr std::size_t kMaxShown = 1000;  // bytes of an error, in the status
constexpr milliseconds kLastWords{500};  // for the reports that wait when the thread is told to end

/// The thread must outlive everything, also what cannot happen.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::exception& exception) {
    return Error{Errc::bug, "talk to", "the store", exception.what()};
  }
}

}  // namespace

StoreThread::StoreThread(ObjectStore& store, const TrustPolicy& policy, Stager& stager, Reporter& reporter,
                         Identity identity, Settings settings, std::function<void(std::function<void()>)> post,
                         Events events, const WaitingClock& clock)
    : stager_(stager),
      reporter_(reporter),
      settings_(settings),
      clock_(clock),
      post_(std::move(post)),
      delivery_(std::make_shared<Delivery>()),
      watch_(store, policy, std::move(identity), settings.highest_sequence, settings.refresh, clock),
      backoff_({.first = settings.interval, .highest = std::max(settings.interval, settings.max_backoff)}) {
  delivery_->events = std::move(events);
  requests_.flush = true;  // what was reported before there was a store thread
  reporter_.on_news([this] { ask([](Requests& requests) { requests.flush = true; }); });
}

StoreThread::~StoreThread() {
  reporter_.on_news(nullptr);
  stop();
}

// The verbs.

template <class Change>
void StoreThread::ask(Change change) {
  {
    const std::scoped_lock lock(mutex_);
    change(requests_);
  }
  asked_.notify_one();
}

void StoreThread::start() {
  thread_ = std::thread([this] { run(); });
}

void StoreThread::poll_now() {
  ask([](Requests& requests) { requests.poll = true; });
}

void StoreThread::reconsider(std::uint64_t highest_sequence) {
  ask([&](Requests& requests) { requests.reconsider = highest_sequence; });
}

void StoreThread::stage(Target target) {
  ask([&](Requests& requests) {
    stage_stop_.request_stop();
    stage_stop_ = std::stop_source();
    requests.stage = Staging{std::move(target), stage_stop_.get_token(), ++delivery_->stage_number};
  });
}

void StoreThread::cancel_stage() {
  ask([&](Requests& requests) {
    stage_stop_.request_stop();
    ++delivery_->stage_number;
    requests.stage.reset();
  });
}

void StoreThread::stop() {
  stop_.request_stop();
  cancel_stage();
  if (thread_.joinable()) thread_.join();
}

StoreThread::Status StoreThread::status() const {
  const std::scoped_lock lock(mutex_);
  Status status = status_;
  if (last_check_) status.last_check = format_rfc3339(*last_check_);
  return status;
}

// The thread.

void StoreThread::run() {
  while (!stop_.stop_requested()) {
    const Requests asked = wait();
    if (stop_.stop_requested()) break;
    if (asked.reconsider) {
      watch_.trust(*asked.reconsider);
      if (watch_.seen()) deliver_decision();
    }
    if (asked.staged) end_staging();
    if (asked.stage) begin_staging(*asked.stage);
    if (asked.poll || clock_.now() >= next_poll_) poll();
    if (asked.flush || (next_flush_ && clock_.now() >= *next_flush_))
      flush({settings_.call_deadline, stop_.get_token()});
  }
  end_staging();
  flush({kLastWords, {}});
}

/// Sleeps until something is asked or due.
StoreThread::Requests StoreThread::wait() {
  const BootTime due = std::min(next_poll_, next_flush_.value_or(BootTime::max()));
  std::unique_lock lock(mutex_);
  clock_.wait_until(lock, asked_, due, [&] { return requests_.any() || stop_.stop_requested(); });
  return std::exchange(requests_, {});
}

Result<std::optional<Decision>> StoreThread::poll_once(milliseconds deadline) {
  MIDAIR_TRY_ASSIGN(const auto seen, read(deadline));
  if (seen == PointerWatch::Seen::missing) return std::optional<Decision>();
  auto decision = decide();
  if (!decision) {
    deliver_rejection({decision.error(), watch_.named(), watch_.last_good()});
    return std::move(decision).error();
  }
  return std::optional(std::move(decision).value());
}

void StoreThread::poll() {
  const std::optional<Error> failure_before = failure_;
  const auto seen = read(settings_.call_deadline);
  next_poll_ = clock_.now() + (seen ? jittered_interval() : backoff_.after(seen.error()));
  if (seen) {
    if (*seen == PointerWatch::Seen::changed) deliver_decision();
  } else if (seen.error().code == Errc::corrupt) {
    const bool repeated = failure_before && failure_before->cause == seen.error().cause;
    if (!repeated) deliver_rejection({seen.error(), {}});
  }
}

Result<PointerWatch::Seen> StoreThread::read(milliseconds deadline) {
  auto seen = guarded([&] { return watch_.read({deadline, stop_.get_token()}); });
  if (seen)
    went_well(*seen);
  else if (seen.error().code != Errc::cancelled)
    went_wrong(seen.error());
  return seen;
}

void StoreThread::went_well(PointerWatch::Seen seen) {
  if (failure_) log(LogLevel::notice, "poll.recovered");
  failure_.reset();
  backoff_.reset();
  const bool missing = seen == PointerWatch::Seen::missing;
  if (missing && !missing_) {
    if (watch_.seen())
      log(LogLevel::warning, "pointer.vanished", {{"meaning", "no new release; what runs goes on"}});
    else
      log(LogLevel::info, "pointer.none", {{"meaning", "no release was ever published"}});
  }
  missing_ = missing;

  const std::scoped_lock lock(mutex_);
  last_check_ = clock_.wall();
  ++status_.polls;
  if (seen == PointerWatch::Seen::not_modified) ++status_.not_modified;
  status_.etag = watch_.etag();
  status_.last_error = one_line(refusal_, kMaxShown);
}

void StoreThread::went_wrong(const Error& error) {
  if (!failure_) log(LogLevel::warning, "poll.failing", {{"error", error.to_string()}});
  failure_ = error;

  const std::scoped_lock lock(mutex_);
  last_check_ = clock_.wall();
  ++status_.polls;
  ++status_.errors;
  status_.last_error = one_line(error.message(), kMaxShown);
}

milliseconds StoreThread::jittered_interval() {
  std::uniform_real_distribution<double> factor(1 - kJitter, 1 + kJitter);
  return std::chrono::duration_cast<milliseconds>(settings_.interval * factor(generator_));
}

Result<Decision> StoreThread::decide() {
  auto decision = watch_.decide();
  refusal_ = decision ? std::string() : decision.error().message();
  const std::scoped_lock lock(mutex_);
  status_.last_error = one_line(refusal_, kMaxShown);
  return decision;
}

void StoreThread::deliver_decision() {
  auto decision = decide();
  if (!decision) return deliver_rejection({decision.error(), watch_.named(), watch_.last_good()});
  post_([delivery = delivery_, decision = std::move(decision).value(), etag = watch_.etag()]() mutable {
    delivery->events.on_pointer(std::move(decision), std::move(etag));
  });
}

void StoreThread::deliver_rejection(Rejection rejection) {
  post_([delivery = delivery_, rejection = std::move(rejection)]() mutable {
    delivery->events.on_rejected(std::move(rejection));
  });
}

/// One at a time: the one before was told to stop.
void StoreThread::begin_staging(const Staging& staging) {
  end_staging();
  try {
    staging_ = std::thread([this, staging] {
      deliver_staged(staging, guarded([&] { return stager_.stage(staging.target, staging.stop); }));
      ask([](Requests& requests) { requests.staged = true; });
    });
  } catch (const std::system_error& error) {
    deliver_staged(staging, Error{Errc::unavailable, "stage", staging.target.key,
                                  std::string("no thread can be started: ") + error.what()});
  }
}

void StoreThread::end_staging() {
  if (staging_.joinable()) staging_.join();
}

void StoreThread::deliver_staged(const Staging& staging, Result<StagedRelease> staged) {
  if (stop_.stop_requested()) return;
  post_([delivery = delivery_, number = staging.number, staged = std::move(staged)]() mutable {
    if (delivery->stage_number == number) delivery->events.on_staged(std::move(staged));
  });
}

void StoreThread::flush(const CallLimits& limits) {
  const auto again = guarded([&] { return Result(reporter_.flush(limits)); });
  next_flush_.reset();
  if (!again) {
    log(LogLevel::error, "report.failed", {{"error", again.error().message()}});
    next_flush_ = clock_.now() + settings_.max_backoff;
  } else if (*again) {
    next_flush_ = clock_.now() + **again;
  }
}

}  // namespace midair::sidecar
