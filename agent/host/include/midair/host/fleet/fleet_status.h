/// @file
/// Who runs what, and whether that is what the pointer asks for.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "midair/clock.h"
#include "midair/host/fleet/machine_directory.h"
#include "midair/host/fleet/prefix_mirror.h"
#include "midair/host/publish/published_state.h"
#include "midair/release/layout.h"
#include "midair/release/machine_state.h"
#include "midair/release/pointer.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// A covered machine that neither runs the upgrade nor says anything final for this long is stale.
inline constexpr std::chrono::minutes kStaleAfter{5};

enum class Verdict {
  up_to_date,   ///< runs what the pointer asks for
  pending,      ///< is at it, or has not begun yet
  failed,       ///< tried, and runs on with its old code
  rolled_back,  ///< tried, and went back
  stale,        ///< should have answered by now
  base_image,   ///< runs its base image, and the pointer asks nothing else of it
  other_base,   ///< runs a hot release of a base image that the pointer is not for
  stopped,      ///< looks for its upgrade when it starts
  silent,       ///< the platform runs it, but it has never checked in
  gone,         ///< it checked in once, but the platform does not know it
  unreadable,   ///< its record makes no sense
};
/// "up_to_date", ...
[[nodiscard]] const char* to_string(Verdict verdict) noexcept;

/// One machine, judged.
struct MachineStatus {
  FleetMachine machine;
  Verdict verdict = Verdict::pending;
  std::string why;                        ///< one line; may be empty
  std::optional<UpgradeResult> result{};  ///< what it said of the pointer's upgrade, if anything
};

/// A fleet at one instant.
struct FleetSnapshot {
  std::optional<Pointer> pointer;       ///< nothing: never published
  std::vector<MachineStatus> machines;  ///< in order of their ids
};

/// What all verdicts of a fleet come to.
enum class FleetVerdict {
  up_to_date,  ///< every machine that runs does as the pointer asks; at least one has ever checked in
  under_way,   ///< not yet, but that may come by itself
  behind,      ///< some machine will not come to it by itself
};
[[nodiscard]] FleetVerdict judge_fleet(const FleetSnapshot& snapshot);

/// What to think of `machine`, given the pointer and what the machine said of that upgrade, if anything.
[[nodiscard]] MachineStatus judge(const FleetMachine& machine, const std::optional<Pointer>& pointer,
                                  const std::optional<UpgradeResult>& result, WallTime now);

/// Takes snapshots. Each costs one conditional GET of the pointer, two LISTs, and one GET per record or result that
/// changed since the last. Not thread-safe.
class FleetStatus {
 public:
  /// The referenced objects must outlive this one.
  FleetStatus(ObjectStore& store, MachineDirectory& directory, const Clock& clock, StoreLayout layout)
      : store_(store), directory_(directory), clock_(clock), layout_(std::move(layout)) {}

  Result<FleetSnapshot> take(const CallLimits& limits);

 private:
  void mirror_results_of_pointer();
  [[nodiscard]] std::optional<UpgradeResult> result_of(const std::string& machine_id) const;

  ObjectStore& store_;
  MachineDirectory& directory_;
  const Clock& clock_;
  const StoreLayout layout_;
  std::optional<CurrentPointer> current_;
  std::string upgrade_id_;               ///< of the pointer; empty if there is no hot upgrade
  std::optional<PrefixMirror> results_;  ///< of upgrade_id_
};

}  // namespace midair::host
