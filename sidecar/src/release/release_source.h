/// @file
/// Where the bytes of a release come from.
#pragma once

#include <stop_token>

#include "midair/error.h"
#include "midair/fd.h"
#include "release/trust_policy.h"

namespace midair::sidecar {

/// Brings the tarball of a target to this disk. Not thread-safe: belongs to who stages, as the Stager does.
class ReleaseSource {
 public:
  virtual ~ReleaseSource() = default;

  /// Returns the tarball open for reading, its length and digest verified on that very descriptor. What is cut goes on
  /// where it stopped when the same target is asked for again; what was fetched for others is thrown away.
  /// transfer_limits() bound the transfer; `stop` ends it with Errc::cancelled.
  ///
  /// Errors all may pass by themselves: timeout, throttled, unavailable, not_found (it isn't there), no_space (checked
  /// before the first byte, for what it unpacks to as well), corrupt (what was fetched is thrown away), io.
  [[nodiscard]] virtual Result<Fd> fetch(const Target& target, const std::stop_token& stop) = 0;

  /// Throws away what was fetched for `target`: it is unpacked, or can't be.
  virtual void discard(const Target& target) = 0;
};

}  // namespace midair::sidecar
