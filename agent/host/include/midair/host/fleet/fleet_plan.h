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

/// An upgrade is made for one base image; the machines that run it now are covered.
struct FleetPlan {
  std::string base_image;
  std::vector<FleetMachine> covered;
  std::vector<Uncovered> uncovered;
};

/// True if an upgrade for `base_image` concerns that machine now: same base image, and not stopped.
[[nodiscard]] bool covers(const std::string& base_image, const FleetMachine& machine);

/// Plans an upgrade of `fleet` for `image`, or, without one, for the base image on which all machines that are not
/// stopped agree. Errc::refused, listing the images, if they don't agree, and if no machine would be covered, unless
/// an image is given and `force` says that machines to come are meant.
[[nodiscard]] Result<FleetPlan> plan_fleet(const std::vector<FleetMachine>& fleet,
                                           const std::optional<std::string>& image, Force force);

}  // namespace midair::host
