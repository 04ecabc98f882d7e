/// @file
/// Upgrading a fleet, as a service.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "midair/error.h"
#include "midair/host/publish/force.h"
#include "midair/host/upgrade/upgrade_events.h"
#include "midair/release/release_archive.h"

namespace midair::host {

/// What is asked for.
struct UpgradeRequest {
  std::string id;  ///< a ULID of the caller's making, new for each request: see new_ulid()
  std::string app;
  std::filesystem::path from;  ///< the directory to publish
  /// Instead of a directory, what was published before, whose bytes the store has: that version, or, empty, the release
  /// to go back to, see choose_earlier_release().
  std::optional<std::string> again{};
  std::optional<std::string> version{};  ///< else what the directory's midair.json says, else the time and `id`
  PackOptions packing{};
  std::optional<std::string> image{};  ///< the base image to upgrade; else the one that all machines share
  Force force = Force::no;
  std::chrono::milliseconds lock_timeout = std::chrono::minutes(5);
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  ///< how long results are waited for
  std::string locked_by;                                        ///< "user@host"
};

/// Where the events of that upgrade are published: "rollout:<id>". Subscribe before it is begun.
[[nodiscard]] inline std::string topic_of(const UpgradeRequest& request) { return "rollout:" + request.id; }

/// Publishes releases and follows the machines that take them. The plugin `hot-upgrade` offers one as service
/// "upgrader"; its events go to the service "events". Thread-safe.
class Upgrader {
 public:
  virtual ~Upgrader() = default;

  /// Publishes and follows. Whatever happens, the lock is given back before it returns. An error means that nothing was
  /// published, unless its cause says that this is unknown; Errc::cancelled after a stop request before the pointer
  /// was changed.
  virtual Result<UpgradeSummary> upgrade(const UpgradeRequest& request, const std::stop_token& stop) = 0;

  /// Does what needs no write, and tells what upgrade() would do.
  virtual Result<UpgradePlan> rehearse(const UpgradeRequest& request, const std::stop_token& stop) = 0;
};

}  // namespace midair::host
