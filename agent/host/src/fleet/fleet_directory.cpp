#include "midair/host/fleet/fleet_directory.h"

#include <algorithm>
#include <array>
#include <map>

#include "midair/log.h"

namespace midair::host {

namespace {

/// A look at the platform must not hold up the store's view for long.
constexpr std::chrono::milliseconds kPlatformPatience = std::chrono::seconds(10);

/// After it failed, so that whoever follows machines isn't held up again and again.
constexpr std::chrono::seconds kRest{30};

constexpr std::array kNotRunning{"created",       "stopped",  "suspended", "failed",
                                 "launch_failed", "stopping", "suspending"};
constexpr std::array kLeaving{"destroying", "destroyed", "replaced", "migrated"};

bool is_one_of(const auto& states, const std::string& state) {
  return std::ranges::find(states, state) != states.end();
}

MachineRecord unrecorded(const Machine& machine) {
  MachineRecord record;
  record.machine_id = machine.id;
  record.region = machine.region;
  record.process_group = machine.process_group();
  record.base_image_ref = machine.image;
  record.state = kSilentState;
  record.updated_at = machine.updated_at;
  return record;
}

void add_platform(MachineRecord& record, const Machine& machine) {
  record.platform_state = machine.state;
  record.platform_image = machine.image;
  if (is_one_of(kNotRunning, machine.state)) record.state = kStoppedState;
}

}  // namespace

bool can_answer(const MachineRecord& machine) {
  static constexpr std::array kMute{kStoppedState, kUnreadableState, kSilentState, kGoneState};
  return std::ranges::find(kMute, machine.state) == kMute.end();
}

std::vector<MachineRecord> merge_fleet(std::vector<MachineRecord> records, const std::vector<Machine>& machines) {
  std::map<std::string, MachineRecord> fleet;
  for (auto& record : records) fleet[record.machine_id] = std::move(record);
  for (auto& [id, record] : fleet) record.platform_state = kGoneState;
  for (const auto& machine : machines) {
    if (is_one_of(kLeaving, machine.state)) continue;
    add_platform(fleet.try_emplace(machine.id, unrecorded(machine)).first->second, machine);
  }
  std::vector<MachineRecord> merged;
  for (auto& [id, record] : fleet) {
    if (record.platform_state == kGoneState) record.state = kGoneState;
    merged.push_back(std::move(record));
  }
  return merged;
}

Result<std::vector<MachineRecord>> FleetDirectory::machines(ObjectStore& store, const std::string& app,
                                                            const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(auto records, store_directory_.machines(store, app, limits));
  const auto api = find_machines_();
  if ((api.ok() && !*api) || is_resting()) return records;
  const auto machines =
      api.ok() ? (*api)->list(app, {.summary = true}, {std::min(limits.deadline, kPlatformPatience), limits.stop})
               : Result<std::vector<Machine>>(api.error());
  if (!machines.ok()) {
    if (machines.error().code == Errc::cancelled) return machines.error();
    rest(machines.error());
    return records;
  }
  if (machines->empty() && std::ranges::any_of(records, can_answer)) {
    rest({Errc::refused, "believe", "the Machines API", "it knows no machine of " + app + ", but some serve"});
    return records;
  }
  return merge_fleet(std::move(records), *machines);
}

void FleetDirectory::rest(const Error& trouble) {
  // Whoever has no token runs without the platform's view on purpose.
  const bool has_no_token = trouble.http_status == 0 && trouble.code == Errc::not_found;
  const std::lock_guard lock(mutex_);
  rests_until_ = system_clock().now() + kRest;
  if (told_ == trouble.cause) return;
  told_ = trouble.cause;
  log(has_no_token ? LogLevel::debug : LogLevel::warning, "fleet.store_only", {{"reason", trouble.message()}});
}

bool FleetDirectory::is_resting() {
  const std::lock_guard lock(mutex_);
  return system_clock().now() < rests_until_;
}

}  // namespace midair::host
