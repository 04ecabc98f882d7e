/// @file
/// Which machines an upgrade is for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/host/fleet/fleet_machine.h"
#include "midair/host/publish/force.h"

namespace midair::host {

/// A machine that will not take the upgrade now, and why.
struct Uncovered {
  FleetMachine machine;
  std::string reason;
};

/// An upgrade is made for one base image; the machines that run it now, and have what it requires, are covered.
struct FleetPlan {
  std::string base_image;
  std::vector<FleetMachine> covered;
  std::vector<Uncovered> uncovered;
};

/// True if an upgrade for `base_image` concerns that machine now: same base image, not stopped, and its sidecar has the
/// features that the release requires.
[[nodiscard]] bool covers(const std::string& base_image, const std::vector<std::string>& required_features,
                          const FleetMachine& machine);

/// What a machine's sidecar lacks of them, as a sentence; empty if it lacks none.
[[nodiscard]] std::string why_not_able(const MachineRecord& record, const std::vector<std::string>& required_features);

/// Plans an upgrade of `fleet` for `image`, or, without one, for the base image on which all machines that are not
/// stopped agree. Errc::refused, listing the images, if they don't agree, and if no machine would be covered, unless
/// an image is given and `force` says that machines to come are meant.
[[nodiscard]] Result<FleetPlan> plan_fleet(const std::vector<FleetMachine>& fleet,
                                           const std::optional<std::string>& image, Force force,
                                           const std::vector<std::string>& required_features = {});

}  // namespace midair::host
