/// @file
/// Watching a fleet take an upgrade.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "midair/clock.h"
#include "midair/host/fleet/machine_directory.h"
#include "midair/host/fleet/prefix_mirror.h"
#include "midair/release/layout.h"
#include "midair/release/machine_state.h"

namespace midair::host {

enum class Outcome {
  upgraded,
  failed,
  rolled_back,
  retrying,  ///< it failed, and the machine tries again by itself
  no_answer,
};
/// Each of them, in the order in which they are told.
inline constexpr std::array kOutcomes{Outcome::upgraded, Outcome::failed, Outcome::rolled_back, Outcome::retrying,
                                      Outcome::no_answer};
/// "upgraded", "failed", "rolled_back", "retrying", "no_answer".
[[nodiscard]] const char* to_string(Outcome outcome) noexcept;

/// How an upgrade went on one machine, as far as is known.
struct MachineOutcome {
  std::string machine_id;
  std::string region;
  Outcome outcome = Outcome::no_answer;
  std::string why;  ///< empty where it was upgraded
  /// Of one that was upgraded: its old processes that finished, at that time, what they had begun.
  std::vector<DrainingProcess> draining{};
};

/// A machine's result that is new.
struct MachineNews {
  UpgradeResult result;
  std::vector<DrainingProcess> draining{};  ///< see MachineOutcome
};

/// Which machines are expected to take which upgrade.
struct FollowTarget {
  StoreLayout layout;
  std::string hot_ref;  ///< of the upgrade
  std::string base_image;
  std::vector<FleetMachine> covered;
  std::vector<std::string> required_features{};  ///< of a machine that appears
};

/// Collects what machines say about one upgrade. A round costs one LIST of results, one GET per result that changed and
/// one for the record of each machine that was upgraded, and now and then a look at the fleet: machines that appear
/// with the same base image are followed too; machines that stop or get another base image are no longer waited for.
/// Not thread-safe.
class Follower {
 public:
  /// `store`, `directory` and `clock` must outlive the follower.
  Follower(ObjectStore& store, MachineDirectory& directory, const Clock& clock, const FollowTarget& target);

  /// One round. A machine that runs the upgrade but filed no result (it took it at boot) counts as completed. After an
  /// error what was learned before it stays.
  Result<void> poll(const CallLimits& limits);
  /// What was learned since the last call, in the order in which it was learned.
  [[nodiscard]] std::vector<MachineNews> take_news() { return std::exchange(news_, {}); }

  /// Machines from which a final answer is still to come.
  [[nodiscard]] std::size_t awaited() const;
  [[nodiscard]] std::size_t followed() const { return machines_.size(); }
  /// By machine id.
  [[nodiscard]] std::vector<MachineOutcome> outcomes() const;

 private:
  struct Machine {
    FleetMachine seen;  ///< when the fleet was looked at
    std::optional<UpgradeResult> result;
    std::vector<DrainingProcess> draining{};
    std::string unreadable{};  ///< why its last result says nothing to us; empty if it does
  };

  Result<void> read_results(const CallLimits& limits);
  void read_draining(Machine& machine, const CallLimits& limits);
  Result<void> read_fleet(const CallLimits& limits);
  /// Why that machine will not answer any more; empty while it may.
  [[nodiscard]] std::string gone(const Machine& machine) const;

  ObjectStore& store_;
  MachineDirectory& directory_;
  const Clock& clock_;
  const FollowTarget target_;
  PrefixMirror results_;
  std::map<std::string, Machine> machines_;
  std::vector<MachineNews> news_;
  BootTime fleet_read_at_;
};

}  // namespace midair::host
