/// @file
/// The pointer as this machine last saw it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "midair/clock.h"
#include "midair/error.h"
#include "midair/store/object_store.h"
#include "release/trust_policy.h"

namespace midair::sidecar {

/// Reads the pointer with If-None-Match and remembers it, so that an unchanged one costs a round trip and nothing else.
/// Not thread-safe.
class PointerWatch {
 public:
  /// What a read found.
  enum class Seen {
    missing,       ///< no release was ever published; never an order to uninstall one
    not_modified,  ///< the server says so
    same,          ///< read anew, the same bytes
    changed,       ///< other bytes than before, or the first: ask decide()
  };

  /// The references must outlive the watch. Every `refresh` it reads unconditionally, should an ETag ever lie.
  PointerWatch(ObjectStore& store, const TrustPolicy& policy, Identity identity, std::uint64_t highest_sequence,
               std::chrono::milliseconds refresh, const Clock& clock);

  /// Reads the pointer. Errc::corrupt if the answer is no pointer (HTML, garbage): what was seen before stays.
  [[nodiscard]] Result<Seen> read(const CallLimits& limits);

  /// What the last pointer means by the policy. Precondition: seen().
  [[nodiscard]] Result<Decision> decide() const;

  /// The last good release that the last pointer names, see TrustPolicy::last_good(). Precondition: seen().
  [[nodiscard]] std::optional<Target> last_good() const;

  /// Which upgrade the last pointer names, whatever the policy says: upgrade_id, version and sequence only. Empty if it
  /// names none that could be reported on.
  [[nodiscard]] Target named() const;

  /// True once a pointer was read.
  [[nodiscard]] bool seen() const { return !bytes_.empty(); }
  [[nodiscard]] const Etag& etag() const { return etag_; }

  /// Raises the sequence below which nothing is accepted; it never falls.
  void trust(std::uint64_t sequence);

 private:
  [[nodiscard]] bool refresh_is_due() const;

  // Constant after construction.
  ObjectStore& store_;
  const TrustPolicy& policy_;
  const Identity identity_;
  const std::chrono::milliseconds refresh_;
  const Clock& clock_;

  std::uint64_t highest_sequence_;
  BootTime refreshed_{};
  std::string bytes_;
  Etag etag_;
};

}  // namespace midair::sidecar
