/// @file
/// The fleet as the store and the platform know it together.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "midair/clock.h"
#include "midair/host/fleet/store_machine_directory.h"
#include "midair/host/machines_api.h"

namespace midair::host {

/// Puts what the store and what the platform says into one list, each machine once:
/// - the platform says that it doesn't run: FleetState::stopped, whatever its record says;
/// - it runs, but has no record: FleetState::silent;
/// - it has a record, but the platform doesn't know it: FleetState::gone;
/// - all else as its record says.
/// Without records of its own nothing is believed of the platform's silence: an API that fails, or that knows no
/// machine at all where some have checked in, is left out, with a warning.
[[nodiscard]] std::vector<FleetMachine> merge_fleet(std::vector<FleetMachine> checked_in,
                                                    const std::vector<Machine>& machines);

/// The store's directory, completed by the Machines API where that is to be had. Thread-safe.
class FleetDirectory final : public MachineDirectory {
 public:
  /// Where the platform can be asked; null where nobody offers that, an error where it can't be used.
  using FindMachines = std::function<Result<std::shared_ptr<MachinesRead>>()>;
  /// `find_machines` is asked at each call, because plugins come and go.
  explicit FleetDirectory(FindMachines find_machines) : find_machines_(std::move(find_machines)) {}

  Result<std::vector<FleetMachine>> machines(ObjectStore& store, const std::string& app,
                                             const CallLimits& limits) override;

 private:
  /// The platform can't be asked now: says so once, and leaves it alone for a while.
  void rest(const Error& trouble);
  [[nodiscard]] bool is_resting();

  const FindMachines find_machines_;
  StoreMachineDirectory store_directory_;
  std::mutex mutex_;
  std::string told_;        ///< the last trouble; guarded by mutex_
  BootTime rests_until_{};  ///< guarded by mutex_
};

}  // namespace midair::host
