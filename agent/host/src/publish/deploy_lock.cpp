#include "midair/host/publish/deploy_lock.h"

#include <algorithm>

#include "midair/host/publish/conditional_put.h"
#include "midair/human.h"
#include "midair/json/json.h"
#include "midair/log.h"

namespace midair::host {

namespace {

/// How often a lapsed lock is looked at while it is watched.
constexpr std::chrono::milliseconds kWatchInterval = std::chrono::seconds(1);
/// The lock is one small object: a store that takes longer is in trouble.
constexpr std::chrono::milliseconds kCallDeadline = std::chrono::seconds(10);

CallLimits limits(const std::stop_token& stop) { return {kCallDeadline, stop}; }

}  // namespace

/// Tells for how much longer a lock must stay as it is, whatever the wall clocks say, until it may be taken over.
class DeployLock::LapseWatch {
 public:
  LapseWatch(const Clock& clock, std::chrono::milliseconds timeout) : clock_(clock), timeout_(timeout) {}

  [[nodiscard]] std::chrono::nanoseconds left(const Etag& etag) {
    if (etag != etag_) {
      moved_ = !etag_.empty();
      etag_ = etag;
      since_ = clock_.now();
    }
    return since_ + timeout_ - clock_.now();
  }
  /// Somebody wrote it while it was watched.
  [[nodiscard]] bool moved() const { return moved_; }

 private:
  const Clock& clock_;
  const std::chrono::milliseconds timeout_;
  Etag etag_;
  BootTime since_{};
  bool moved_ = false;
};

DeployLock::DeployLock(LockWorld world, const LockRequest& request)
    : world_(std::move(world)), key_(request.layout.lock()), timeout_(request.timeout) {
  ours_.locked_by = request.locked_by;
  ours_.since = format_rfc3339(world_.clock.wall());
  ours_.deployment_id = request.deployment_id;
}

Result<std::unique_ptr<DeployLock>> DeployLock::acquire(LockWorld world, const LockRequest& request,
                                                        const std::stop_token& stop) {
  std::unique_ptr<DeployLock> lock(new DeployLock(std::move(world), request));
  MIDAIR_TRY(lock->take(request.force, stop));
  return lock;
}

DeployLock::~DeployLock() {
  if (const auto released = release(); !released.ok())
    log(LogLevel::warning, "lock.not_released",
        {{"key", key_}, {"error", released.error().message()}, {"lapses_in", format_age(timeout_)}});
}

Result<void> DeployLock::take(Force force, const std::stop_token& stop) {
  const std::lock_guard guard(mutex_);
  LapseWatch watch(world_.clock, timeout_);
  for (bool taken = false; !taken;) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "take the lock", key_, "interrupted"};
    MIDAIR_TRY_ASSIGN(const auto found, look(stop));
    MIDAIR_TRY_ASSIGN(taken, try_to_take(found, force, watch, stop));
  }
  return check_that_it_cannot_be_taken_twice(stop);
}

/// False if it is worth another look; a pause was made where that helps.
Result<bool> DeployLock::try_to_take(const std::optional<Found>& found, Force force, LapseWatch& watch,
                                     const std::stop_token& stop) {
  if (!found) return write(1, PutCondition::if_absent(), stop);
  const auto left = watch.left(found->etag);
  if (force == Force::yes || left.count() <= 0) {
    MIDAIR_TRY_ASSIGN(const bool taken, write(found->record.fence + 1, PutCondition::if_match(found->etag), stop));
    if (taken && world_.taken_over) world_.taken_over(found->record);
    return taken;
  }
  if (is_alive(found->record, watch.moved())) return held_by(found->record);
  if (world_.watching) world_.watching(found->record, left);
  world_.pause(std::min(kWatchInterval, std::chrono::ceil<std::chrono::milliseconds>(left)), stop);
  return false;
}

/// What is asked for is our own lock once more, so that a store that gives it harms nobody.
Result<void> DeployLock::check_that_it_cannot_be_taken_twice(const std::stop_token& stop) {
  const auto again = put_text(world_.store, key_, ours_.to_json() + "\n", PutCondition::if_absent(), limits(stop));
  if (!again.ok() && again.error().code == Errc::precondition) return {};
  if (!again.ok()) return again.error();
  etag_ = *again;
  return Error{
      Errc::unavailable, "publish to", world_.store.name(),
      "this store can't be used: it ignores the conditions of writes (a lock that had just been taken was given "
      "once more), so two agents could publish at once",
      "a store that obeys If-None-Match and If-Match, and no proxy before it that drops them"};
}

Result<void> DeployLock::renew(const std::stop_token& stop) {
  const std::lock_guard guard(mutex_);
  return rewrite(ours_.fence, stop);
}

Result<void> DeployLock::raise_fence(std::uint64_t fence, const std::stop_token& stop) {
  const std::lock_guard guard(mutex_);
  if (ours_.fence >= fence) return {};
  return rewrite(fence, stop);
}

bool DeployLock::held() const {
  const std::lock_guard guard(mutex_);
  return !etag_.empty() && world_.clock.now() - written_at_ < timeout_;
}

std::uint64_t DeployLock::fence() const {
  const std::lock_guard guard(mutex_);
  return ours_.fence;
}

Result<void> DeployLock::release() {
  const std::lock_guard guard(mutex_);
  if (!may_lie_there_) return {};
  auto removed = etag_.empty()
                     ? Result<void>(Error{Errc::precondition, "release the lock", key_, "its ETag is unknown"})
                     : world_.store.remove(key_, limits({}), etag_);
  if (!removed.ok() && removed.error().code == Errc::precondition) {
    // Another's, or ours by a write whose answer never came.
    MIDAIR_TRY_ASSIGN(const auto found, look({}));
    const bool ours = found && found->record.deployment_id == ours_.deployment_id;
    removed = ours ? world_.store.remove(key_, limits({}), found->etag) : Result<void>();
  }
  if (removed.ok()) forget();
  return removed;
}

void DeployLock::forget() {
  etag_.clear();
  may_lie_there_ = false;
}

/// What lies there now. A lock that makes no sense has an unknown holder and counts as expired.
Result<std::optional<DeployLock::Found>> DeployLock::look(const std::stop_token& stop) const {
  auto object = get_text(world_.store, key_, kMaxLockBytes, limits(stop));
  if (!object.ok()) {
    if (object.error().code == Errc::not_found) return std::optional<Found>();
    return std::move(object).error();
  }
  auto record = LockRecord::parse(object->text, key_);
  LockRecord unknown;
  unknown.locked_by = "somebody unknown (the lock cannot be read)";
  return std::optional(Found{record.ok() ? *std::move(record) : unknown, object->etag});
}

/// Writes our record with that fence. False if the condition did not hold.
Result<bool> DeployLock::write(std::uint64_t fence, const PutCondition& condition, const std::stop_token& stop) {
  if (fence > kMaxJsonInteger)
    return Error{Errc::refused, "take the lock", key_, "no fence comes after " + std::to_string(fence - 1),
                 "correct the 'fence' of the lock and of the pointer by hand: nobody publishes so often"};
  auto record = ours_;
  record.fence = fence;
  record.locked_at = format_rfc3339(world_.clock.wall());
  record.expires_at = format_rfc3339(world_.clock.wall() + timeout_);
  const auto text = record.to_json();
  const auto begun_at = world_.clock.now();
  may_lie_there_ = true;
  MIDAIR_TRY_ASSIGN(const auto etag, conditional_put(world_.store, key_, text, condition, limits(stop)));
  if (!etag) {
    may_lie_there_ = !etag_.empty();
    return false;
  }
  ours_ = record;
  etag_ = *etag;
  written_at_ = begun_at;
  return true;
}

Result<void> DeployLock::rewrite(std::uint64_t fence, const std::stop_token& stop) {
  Error lost{Errc::precondition, "keep the lock", key_, "it was lost", "midair status, then publish again"};
  while (!etag_.empty()) {
    MIDAIR_TRY_ASSIGN(const bool written, write(fence, PutCondition::if_match(etag_), stop));
    if (written) return {};
    MIDAIR_TRY_ASSIGN(const auto found, look(stop));
    if (found && found->record.deployment_id == ours_.deployment_id) {
      etag_ = found->etag;  // ours, by a renewal whose answer came too late
      continue;
    }
    forget();
    lost.cause = found ? "it was lost to " + found->record.locked_by : "somebody removed it";
  }
  return lost;
}

/// True while its `expires_at` lies ahead. One that lies further ahead than a lock can last was written by a wrong
/// clock, and is believed only of a holder who was seen to renew it.
bool DeployLock::is_alive(const LockRecord& record, bool was_renewed) const {
  const auto expires_at = parse_rfc3339(record.expires_at);
  const auto now = world_.clock.wall();
  if (!expires_at || *expires_at <= now) return false;
  const auto locked_at = parse_rfc3339(record.locked_at).value_or(*expires_at);
  const auto its_timeout = std::min<WallTime::duration>(*expires_at - locked_at, kLongestLockTimeout);
  return was_renewed || *expires_at - now <= std::max<WallTime::duration>(its_timeout, timeout_);
}

Error DeployLock::held_by(const LockRecord& holder) const {
  std::string cause = holder.locked_by + " holds it since " + holder.taken_at();
  if (const auto since = parse_rfc3339(holder.taken_at()))
    cause += " (" + format_age(world_.clock.wall() - *since) + " ago)";
  if (!holder.deployment_id.empty()) cause += " to deploy " + holder.deployment_id;
  return {Errc::precondition, "take the lock", key_, cause,
          "wait until it is done, or take it over at once with --force"};
}

}  // namespace midair::host
