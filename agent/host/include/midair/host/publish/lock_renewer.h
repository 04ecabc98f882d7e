/// @file
/// Keeps a lock alive while its owner works.
#pragma once

#include <algorithm>
#include <thread>

#include "midair/host/publish/deploy_lock.h"

namespace midair::host {

/// No lock is renewed less often: FlyDeploy counts a lock of five minutes as abandoned, whatever its `expires_at`.
inline constexpr std::chrono::milliseconds kLongestRenewalInterval = std::chrono::seconds(100);

/// A thread that renews `lock` every third of its timeout, or more often, until it is lost or the renewer goes.
/// Failures are worth a warning in the log: whether the lock is still held is asked of the lock.
class LockRenewer {
 public:
  /// `lock` must outlive the renewer.
  explicit LockRenewer(DeployLock& lock) : LockRenewer(lock, std::min(lock.timeout() / 3, kLongestRenewalInterval)) {}
  LockRenewer(DeployLock& lock, std::chrono::milliseconds interval);

 private:
  std::jthread thread_;
};

}  // namespace midair::host
