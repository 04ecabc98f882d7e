/// @file
/// `midair hot`, step by step: pack, look, lock, upload, publish, follow, clean up.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hot_reporter.h"
#include "local_release.h"
#include "midair/clock.h"
#include "midair/host/fleet/fleet_plan.h"
#include "midair/host/machine_directory.h"
#include "midair/host/publish/deploy_lock.h"
#include "midair/pause.h"
#include "midair/store/object_store.h"

namespace midair::host::hot {

/// Where a publication can be made to fail (fault.h): each names what was just done.
inline const std::vector<std::string> kPublishFaultPoints{"publish.prepared", "publish.locked",  "publish.uploaded",
                                                          "publish.recorded", "publish.swapped", "publish.followed"};

/// What the user asks for.
struct HotRequest {
  std::string app;
  std::filesystem::path from;
  std::optional<std::string> version{};
  std::optional<std::string> strategy{};  ///< else what the directory's midair.json says, else handover
  std::optional<std::string> image{};     ///< the base image to upgrade; else the one that all machines share
  Force force = Force::no;
  std::chrono::milliseconds lock_timeout = std::chrono::minutes(5);
  std::chrono::milliseconds timeout = std::chrono::minutes(5);  ///< how long results are waited for
  std::string locked_by;                                        ///< "user@host"
};

/// The world in which a publication happens. Everything referenced must outlive the publisher.
struct HotWorld {
  ObjectStore& store;
  MachineDirectory& directory;
  const Clock& clock;
  Pause pause;
  HotReporter& reporter;
  std::stop_token stop;
};

/// Publishes releases. Whatever happens, the lock is given back before a verb returns.
class Publisher {
 public:
  explicit Publisher(HotWorld world) : world_(std::move(world)) {}

  /// Publishes and follows. An error means that nothing was published, unless its cause says that this is unknown;
  /// Errc::cancelled after a stop request before the pointer was changed.
  Result<HotSummary> publish(const HotRequest& request);

  /// Does what needs no write, and reports what publish() would do.
  Result<HotPlan> rehearse(const HotRequest& request);

 private:
  struct Prepared;
  Result<Prepared> prepare(const HotRequest& request);
  Result<std::unique_ptr<DeployLock>> take_lock(const HotRequest& request, const Prepared& prepared);
  Result<HotUpgrade> upload_and_publish(const Prepared& prepared, DeployLock& lock);
  void follow(const HotRequest& request, const Prepared& prepared, HotSummary& summary);
  void clean_up(const Prepared& prepared, const DeployLock& lock);
  [[nodiscard]] CallLimits limits() const { return {.stop = world_.stop}; }

  const HotWorld world_;
  StepTimes times_;
};

}  // namespace midair::host::hot
