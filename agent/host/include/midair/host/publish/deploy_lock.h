/// @file
/// The lock that lets one agent at a time publish for an app.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "midair/clock.h"
#include "midair/host/publish/force.h"
#include "midair/host/publish/lock_record.h"
#include "midair/pause.h"
#include "midair/release/layout.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// No lock lasts longer without renewal: a lock that says so comes from a wrong clock.
inline constexpr std::chrono::milliseconds kLongestLockTimeout = std::chrono::hours(1);

/// What to lock, for whom and how long.
struct LockRequest {
  StoreLayout layout;
  std::string locked_by;              ///< "user@host"
  std::string deployment_id;          ///< unique to this publication: it tells our lock from everybody else's
  std::chrono::milliseconds timeout;  ///< without renewal the lock lapses after this; at most kLongestLockTimeout
  Force force = Force::no;            ///< take it from whoever holds it, at once
};

/// The world that the lock lives in. All referenced objects must outlive the lock.
struct LockWorld {
  ObjectStore& store;
  const Clock& clock;
  Pause pause;  ///< used while an expired lock is watched
  /// An expired lock is being watched: whose, and how much longer if nothing happens. May be null.
  std::function<void(const LockRecord&, std::chrono::nanoseconds)> watching = {};
  /// This holder just lost its lock to us. May be null.
  std::function<void(const LockRecord&)> taken_over = {};
};

/// A held lock; released when it goes. Thread-safe.
///
/// Read first, then taken with put-if-absent. Somebody else's lock is left alone while its `expires_at` lies ahead, but
/// not further than a lock can last (its own timeout or ours); else it is taken over, by compare-and-swap, once its
/// ETag stayed unchanged for a whole `timeout` of *our* monotonic clock, so that wrong wall clocks cost time but never
/// make two holders. Every change of our own is a compare-and-swap on the ETag that we last wrote; one that fails on
/// somebody else's lock means that ours is lost, for good.
///
/// All of this rests on the store's word, so a lock just taken is asked for once more: a store that gives it a second
/// time ignores conditions, and can't be used.
class DeployLock {
 public:
  /// Errc::precondition, naming the holder, if it is somebody else's; Errc::unavailable if the store ignores
  /// conditions; Errc::cancelled after a stop request.
  static Result<std::unique_ptr<DeployLock>> acquire(LockWorld world, const LockRequest& request,
                                                     const std::stop_token& stop);
  DeployLock(const DeployLock&) = delete;
  DeployLock& operator=(const DeployLock&) = delete;
  ~DeployLock();

  /// Proves that the lock is still ours and prolongs it by `timeout`. Errc::precondition if it is lost; after any other
  /// error it is worth trying again.
  Result<void> renew(const std::stop_token& stop = {});
  /// Makes the fence at least `fence`, which is a renewal too.
  Result<void> raise_fence(std::uint64_t fence, const std::stop_token& stop = {});
  /// False once the lock is known to be lost or was not renewed for `timeout`.
  [[nodiscard]] bool held() const;
  [[nodiscard]] std::uint64_t fence() const;
  [[nodiscard]] std::chrono::milliseconds timeout() const { return timeout_; }
  /// Gives the lock back, unless it is lost. Never removes another's. Idempotent.
  Result<void> release();

 private:
  /// A lock object as it lies in the store.
  struct Found {
    LockRecord record;
    Etag etag;
  };
  class LapseWatch;
  DeployLock(LockWorld world, const LockRequest& request);

  Result<void> take(Force force, const std::stop_token& stop);
  Result<bool> try_to_take(const std::optional<Found>& found, Force force, LapseWatch& watch,
                           const std::stop_token& stop);
  Result<void> check_that_it_cannot_be_taken_twice(const std::stop_token& stop);
  Result<std::optional<Found>> look(const std::stop_token& stop) const;
  Result<bool> write(std::uint64_t fence, const PutCondition& condition, const std::stop_token& stop);
  Result<void> rewrite(std::uint64_t fence, const std::stop_token& stop);
  void forget();
  [[nodiscard]] bool is_alive(const LockRecord& record, bool was_renewed) const;
  [[nodiscard]] Error held_by(const LockRecord& holder) const;

  const LockWorld world_;
  const std::string key_;
  const std::chrono::milliseconds timeout_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  LockRecord ours_;
  Etag etag_;                   ///< of what we last wrote; empty while the lock is not known to be ours
  bool may_lie_there_ = false;  ///< something that we wrote may lie in the store
  BootTime written_at_{};       ///< when that write was begun
};

}  // namespace midair::host
