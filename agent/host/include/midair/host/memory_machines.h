/// @file
/// The parts of the Machines API in memory. For tests, and for who wants to try a rollout without an account.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "midair/clock.h"
#include "midair/host/machines_api.h"

namespace midair::host {

/// Machines that obey at once. Machines that a test puts there by itself are of any state. Thread-safe.
class MemoryMachines final : public MachinesRead,
                             public MachineDetails,
                             public MachinesControl,
                             public MachinesEdit,
                             public MachineLeases {
 public:
  explicit MemoryMachines(const Clock& clock = system_clock()) : clock_(clock) {}

  /// Puts that machine there, or changes it; whoever waits for it hears of it.
  void put(const std::string& app, const Machine& machine);

  Result<std::vector<Machine>> list(const std::string& app, const MachineFilter& filter,
                                    const CallLimits& limits) override;
  Result<Machine> get(const MachineRef& machine, const CallLimits& limits) override;
  Result<std::string> wait(const MachineRef& machine, const MachineWait& wait, const CallLimits& limits) override;
  Result<JsonText> events(const MachineRef& machine, const CallLimits& limits) override;  ///< none

  Result<Metadata> metadata(const MachineRef& machine, const CallLimits& limits) override;
  Result<JsonText> processes(const MachineRef& machine, const CallLimits& limits) override;  ///< none
  Result<JsonText> versions(const MachineRef& machine, const CallLimits& limits) override;   ///< none

  Result<void> start(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> stop(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                    const CallLimits& limits) override;
  Result<void> restart(const MachineRef& machine, const std::string& signal, std::chrono::milliseconds timeout,
                       const CallLimits& limits) override;
  Result<void> signal(const MachineRef& machine, const std::string& signal, const CallLimits& limits) override;
  Result<void> suspend(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> cordon(const MachineRef& machine, const CallLimits& limits) override;
  Result<void> uncordon(const MachineRef& machine, const CallLimits& limits) override;
  /// Prints the command.
  Result<ExecOutcome> exec(const MachineRef& machine, const std::vector<std::string>& command,
                           const std::string& standard_input, const CallLimits& limits) override;

  Result<Machine> create(const std::string& app, const MachineSpec& spec, const CallLimits& limits) override;
  Result<Machine> update(const MachineRef& machine, const MachineSpec& spec, const CallLimits& limits) override;
  Result<void> destroy(const MachineRef& machine, bool force, const CallLimits& limits) override;
  Result<void> set_metadata(const MachineRef& machine, const std::string& key, const std::string& value,
                            const CallLimits& limits) override;
  Result<void> delete_metadata(const MachineRef& machine, const std::string& key, const CallLimits& limits) override;

  Result<Lease> take_lease(const MachineRef& machine, std::chrono::seconds ttl, const std::string& description,
                           std::chrono::milliseconds patience, const CallLimits& limits) override;
  Result<void> release_lease(const MachineRef& machine, const CallLimits& limits) override;
  Result<Lease> lease(const MachineRef& machine, const CallLimits& limits) override;

 private:
  using Key = std::pair<std::string, std::string>;  ///< app, machine id

  /// Looks the machine up and lets `change` have it, unless somebody else holds its lease.
  template <class Change>
  Result<Machine> change(const MachineRef& machine, const Change& change);
  Result<void> set_state(const MachineRef& machine, const std::string& state);
  [[nodiscard]] Result<void> may_write(const MachineRef& machine) const;
  [[nodiscard]] const Lease* lease_of(const MachineRef& machine) const;
  [[nodiscard]] std::string next_name(const std::string& prefix) { return prefix + std::to_string(++made_); }

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<Key, Machine> machines_;  ///< guarded by mutex_, as is what follows
  std::map<Key, Lease> leases_;
  unsigned made_ = 0;
};

/// Apps that are ready at once. Thread-safe.
class MemoryApps final : public AppsApi {
 public:
  Result<std::vector<App>> apps(const std::string& organization, const CallLimits& limits) override;
  Result<App> app(const std::string& name, const CallLimits& limits) override;
  Result<App> create_app(const std::string& name, const std::string& organization, const CallLimits& limits) override;
  Result<void> delete_app(const std::string& name, const CallLimits& limits) override;
  Result<Secret> deploy_token(const std::string& app, std::chrono::seconds expiry, const CallLimits& limits) override;

 private:
  std::mutex mutex_;
  std::map<std::string, App> apps_;  ///< guarded by mutex_
};

/// Volumes; their snapshots are forgotten. Thread-safe.
class MemoryVolumes final : public VolumesApi {
 public:
  Result<std::vector<Volume>> volumes(const std::string& app, const CallLimits& limits) override;
  Result<Volume> volume(const std::string& app, const std::string& id, const CallLimits& limits) override;
  Result<Volume> create_volume(const std::string& app, const std::string& name, const std::string& region,
                               std::int64_t size_gb, const CallLimits& limits) override;
  Result<Volume> extend_volume(const std::string& app, const std::string& id, std::int64_t size_gb,
                               const CallLimits& limits) override;
  Result<void> delete_volume(const std::string& app, const std::string& id, const CallLimits& limits) override;
  Result<JsonText> snapshots(const std::string& app, const std::string& volume, const CallLimits& limits) override;
  Result<void> create_snapshot(const std::string& app, const std::string& volume, const CallLimits& limits) override;

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Volume> volumes_;  ///< by app and id; guarded by mutex_
};

/// Secrets, whose values it forgets: the API doesn't tell them either. Thread-safe.
class MemorySecrets final : public SecretsApi {
 public:
  Result<std::vector<AppSecret>> secrets(const std::string& app, const CallLimits& limits) override;
  Result<void> set_secret(const std::string& app, const std::string& name, const Secret& value,
                          const CallLimits& limits) override;
  Result<void> unset_secret(const std::string& app, const std::string& name, const CallLimits& limits) override;

 private:
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> names_;  ///< app and name; guarded by mutex_
};

/// One region, and nobody's token.
class MemoryPlatform final : public PlatformApi {
 public:
  Result<JsonText> current_token(const std::string& app, const CallLimits& limits) override;
  Result<JsonText> regions(const CallLimits& limits) override;
};

}  // namespace midair::host
