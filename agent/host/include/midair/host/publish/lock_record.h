/// @file
/// `releases/<app>-deploy.lock`: who publishes right now.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair::host {

/// The lock is never longer than this.
inline constexpr std::uint64_t kMaxLockBytes = 16 * 1024;

/// The lock object: FlyDeploy's four fields, and Midair's own after the line.
struct LockRecord {
  std::string locked_by;      ///< "user@host"
  std::string locked_at;      ///< RFC 3339; renewed with the lock, because FlyDeploy judges its age by it
  std::string deployment_id;  ///< hot_ref of what the holder publishes
  std::string expires_at;     ///< RFC 3339, by the holder's wall clock: a hint, never proof
  // ---
  std::uint64_t fence = 0;  ///< grows with every lock; 0 where FlyDeploy holds it
  std::string since{};      ///< RFC 3339: when it was taken; empty where FlyDeploy holds it

  /// When it was taken, as far as it says.
  [[nodiscard]] const std::string& taken_at() const { return since.empty() ? locked_at : since; }

  /// Errc::corrupt if it is not a lock.
  static Result<LockRecord> parse(std::string_view text, const std::string& subject);
  [[nodiscard]] std::string to_json() const;
};

}  // namespace midair::host
