/// @file
/// Who is in the fleet. The store knows the machines that checked in; the Fly API (plugin `machines`) knows them all.
#pragma once

#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/host/fleet/fleet_machine.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// Lists the machines of an app. Registered with the plugin host as service "machine-directory". Thread-safe.
class MachineDirectory {
 public:
  virtual ~MachineDirectory() = default;
  /// All machines known, in order of their ids. An error is never an empty fleet.
  virtual Result<std::vector<FleetMachine>> machines(ObjectStore& store, const std::string& app,
                                                     const CallLimits& limits) = 0;
};

}  // namespace midair::host
