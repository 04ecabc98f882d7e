/// @file
/// Keeps a lock alive while its owner works.
#pragma once

#include <thread>

#include "midair/host/publish/deploy_lock.h"

namespace midair::host {

/// A thread that renews `lock` every third of its timeout until it is lost or the renewer goes. Failures are worth a
/// warning in the log: whether the lock is still held is asked of the lock.
class LockRenewer {
 public:
  /// `lock` must outlive the renewer.
  explicit LockRenewer(DeployLock& lock) : LockRenewer(lock, lock.timeout() / 3) {}
  LockRenewer(DeployLock& lock, std::chrono::milliseconds interval);

 private:
  std::jthread thread_;
};

}  // namespace midair::host
