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

FleetMachine unrecorded(const Machine& machine) {
  FleetMachine silent;
  silent.record.machine_id = machine.id;
  silent.record.region = machine.region;
  silent.record.process_group = machine.process_group();
  silent.record.base_image_ref = machine.image;
  silent.record.updated_at = machine.updated_at;
  silent.state = FleetState::silent;
  return silent;
}

void add_platform(FleetMachine& known, const Machine& machine) {
  known.platform_state = machine.state;
  known.platform_image = machine.image;
  if (is_one_of(kNotRunning, machine.state)) known.state = FleetState::stopped;
}

void note_gone(FleetMachine& known) {
  known.state = FleetState::gone;
  known.platform_state = to_string(FleetState::gone);
}

}  // namespace

std::vector<FleetMachine> merge_fleet(std::vector<FleetMachine> checked_in, const std::vector<Machine>& machines) {
  std::map<std::string, const Machine*> platform;
  for (const auto& machine : machines)
    if (!is_one_of(kLeaving, machine.state)) platform[machine.id] = &machine;

  std::map<std::string, FleetMachine> fleet;
  for (auto& known : checked_in) {
    if (!platform.contains(known.record.machine_id)) note_gone(known);
    fleet[known.record.machine_id] = std::move(known);
  }
  for (const auto& [id, machine] : platform)
    add_platform(fleet.try_emplace(id, unrecorded(*machine)).first->second, *machine);

  std::vector<FleetMachine> merged;
  merged.reserve(fleet.size());
  for (auto& [id, machine] : fleet) merged.push_back(std::move(machine));
  return merged;
}

Result<std::vector<FleetMachine>> FleetDirectory::machines(ObjectStore& store, const std::string& app,
                                                           const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(auto checked_in, store_directory_.machines(store, app, limits));
  const auto api = find_machines_();
  if ((api.ok() && !*api) || is_resting()) return checked_in;
  const auto machines =
      api.ok() ? (*api)->list(app, {.summary = true}, {std::min(limits.deadline, kPlatformPatience), limits.stop})
               : Result<std::vector<Machine>>(api.error());
  if (!machines.ok()) {
    if (machines.error().code == Errc::cancelled) return machines.error();
    rest(machines.error());
    return checked_in;
  }
  if (machines->empty() && std::ranges::any_of(checked_in, can_answer)) {
    rest({Errc::refused, "believe", "the Machines API", "it knows no machine of " + app + ", but some serve"});
    return checked_in;
  }
  return merge_fleet(std::move(checked_in), *machines);
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
