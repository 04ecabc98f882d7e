/// @file
/// What may be installed here, decided behind one interface: pointer bytes in, verified target out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "midair/error.h"
#include "midair/release/pointer.h"
#include "midair/release/release_name.h"
#include "midair/store/object_store.h"

namespace midair::sidecar {

/// Who this machine is, as far as releases are concerned.
struct Identity {
  std::string app;
  std::string machine_id;
  std::string region;
  std::string process_group;   ///< may be empty
  std::string base_image_ref;  ///< the image that it booted from
};

/// A pointer's source_image_ref is never longer than this, in bytes.
inline constexpr std::size_t kMaxHotRef = 512;

/// A release that may be installed: which bytes, where from, in whose place.
struct Target : ReleaseName {
  std::string upgrade_id;
  std::string key;         ///< of the tarball in our store
  std::string strategy;    ///< "handover" or "in-place"
  std::uint64_t size = 0;  ///< of the tarball, bytes
};

/// What the pointer means for this machine: a target, or none and why.
struct Decision {
  std::optional<Target> target;
  std::string reason;    ///< why nothing is to be installed: "the pointer is for base image X, this machine runs Y"
  bool refused = false;  ///< every machine that tried the target failed: no other may try it
  std::optional<Target> last_good{};  ///< what to run where the target may not, and nothing is committed
};

/// Decides what the pointer means. A pointer that asks for nothing, or asks it of other machines, is a decision
/// without target; one that breaks a rule is an error. Implementations are immutable, hence thread-safe.
class TrustPolicy {
 public:
  virtual ~TrustPolicy() = default;

  /// `highest_sequence` is the highest that was ever trusted here: nothing lower is accepted. `store` is asked only
  /// which addresses are its own; no I/O. Errc::corrupt: these bytes are no pointer. Errc::refused: a pointer that must
  /// not be followed, with the reason.
  [[nodiscard]] virtual Result<Decision> decide(std::string_view pointer_bytes, const Identity& identity,
                                                std::uint64_t highest_sequence, const ObjectStore& store) const = 0;

  /// The last good release that the pointer names, if it may be installed here; whatever its hot upgrade is. Of any
  /// sequence: it is for machines that have trusted none.
  [[nodiscard]] virtual std::optional<Target> last_good(std::string_view pointer_bytes, const Identity& identity,
                                                        const ObjectStore& store) const = 0;
};

/// Trusts whoever may write the pointer, and pins the tarball by its length and SHA-256. Refuses another app's tarball,
/// one outside our store (no credential ever goes elsewhere), a missing or malformed digest, an empty or oversized
/// tarball, a lower sequence, and strategies that this sidecar doesn't know.
class DigestTrustPolicy final : public TrustPolicy {
 public:
  /// `strategies`: the names of those that this sidecar knows. Tarballs above `max_size` bytes are refused.
  explicit DigestTrustPolicy(std::vector<std::string> strategies, std::uint64_t max_size = 4ULL << 30)
      : strategies_(std::move(strategies)), max_size_(max_size) {}

  [[nodiscard]] Result<Decision> decide(std::string_view pointer_bytes, const Identity& identity,
                                        std::uint64_t highest_sequence, const ObjectStore& store) const override;
  [[nodiscard]] std::optional<Target> last_good(std::string_view pointer_bytes, const Identity& identity,
                                                const ObjectStore& store) const override;

 private:
  [[nodiscard]] Result<Target> accept(const HotUpgrade& upgrade, const Identity& identity,
                                      std::uint64_t highest_sequence, const ObjectStore& store) const;
  [[nodiscard]] Result<void> check_strategy(const HotUpgrade& upgrade) const;

  std::vector<std::string> strategies_;
  std::uint64_t max_size_;
};

}  // namespace midair::sidecar
