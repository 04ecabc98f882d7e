/// @file
/// What an upgrade of a fleet tells while it is made. Published at the topic "rollout:<upgrade id>", see topic_of().
#pragma once

#include <Poco/JSON/Object.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "midair/host/fleet/fleet_plan.h"
#include "midair/host/fleet/follower.h"
#include "midair/host/publish/tarball_upload.h"
#include "midair/release/machine_state.h"
#include "midair/release/pointer.h"
#include "midair/release/release_archive.h"

namespace midair::host {

/// How long each step took.
struct StepTimes {
  std::chrono::nanoseconds pack{}, lock{}, upload{}, publish{}, follow{}, total{};
};

/// The release lies on this disk.
struct ReleasePacked {
  std::string app;
  std::string version;
  std::string strategy;
  std::size_t files = 0;
  std::uint64_t size = 0;           ///< of the tarball, bytes
  std::uint64_t unpacked_size = 0;  ///< bytes
  std::string digest;               ///< SHA-256 of the tarball
  std::vector<std::string> required_features;
  std::chrono::nanoseconds took{};
  std::vector<LeftOut> left_out;  ///< in byte order of their names
};

/// The store has the release, from an earlier publication.
struct ReleaseChosen {
  HotUpgrade earlier;  ///< as it was published
};

/// It is known which machines it is for.
struct FleetPlanned {
  FleetPlan plan;
};

/// What would be done; nothing comes after this.
struct UpgradePlan {
  UploadOutcome upload = UploadOutcome::uploaded;  ///< whether the tarball has to be uploaded
  std::string tarball_key;
  std::uint64_t sequence = 0;
};

struct DeployLocked {
  std::uint64_t fence = 0;
  std::chrono::nanoseconds took{};
};

struct TarballUploaded {
  std::string key;
  UploadOutcome outcome = UploadOutcome::uploaded;
  std::chrono::nanoseconds took{};
};

/// From here on the fleet is told to run it.
struct UpgradePublished {
  HotUpgrade upgrade;
  std::string upgrade_id;
  std::chrono::nanoseconds took{};
};

/// A machine said how it goes.
struct MachineAnswered {
  UpgradeResult result;
  std::vector<DrainingProcess> draining{};  ///< of one that was upgraded: old processes that finish what they had begun
};

/// What machines run that start from now on, where no machine took the upgrade.
struct Outlook {
  bool refused = false;   ///< all failed: no other machine will try it
  std::string last_good;  ///< the version that they run instead of the upgrade; empty: their base image
};

/// How it went.
struct UpgradeSummary {
  HotUpgrade upgrade;
  std::string upgrade_id;
  std::vector<MachineOutcome> machines;
  bool interrupted = false;        ///< the caller stopped watching; the machines go on
  std::optional<Outlook> outlook;  ///< where nowhere(), unless a newer upgrade was published meanwhile
  StepTimes times;

  [[nodiscard]] std::size_t count(Outcome outcome) const;
  /// True if every machine that was followed runs the upgrade.
  [[nodiscard]] bool everywhere() const { return count(Outcome::upgraded) == machines.size(); }
  /// True if machines were followed, and none of them runs it.
  [[nodiscard]] bool nowhere() const { return !machines.empty() && count(Outcome::upgraded) == 0; }
};

/// Something unusual that the user should know.
struct UpgradeNotice {
  std::string text;
};

/// What is being waited for right now; replaced by the next.
struct UpgradeProgress {
  std::string text;
};

/// Any of them, as EventBus carries it.
using UpgradeEvent =
    std::variant<ReleasePacked, ReleaseChosen, FleetPlanned, UpgradePlan, DeployLocked, TarballUploaded,
                 UpgradePublished, MachineAnswered, UpgradeSummary, UpgradeNotice, UpgradeProgress>;

/// "packed", "chosen", "fleet", "plan", "locked", "uploaded", "published", "result", "summary", "notice", "progress".
[[nodiscard]] std::string name_of(const UpgradeEvent& event);
/// The fields that plugins/hot-upgrade/README.md lists.
[[nodiscard]] Poco::JSON::Object fields_of(const UpgradeEvent& event);

}  // namespace midair::host
