#include "midair/host/memory_machines.h"

#include <algorithm>

#include "midair/call_timer.h"
#include "no_such.h"

namespace midair::host {

namespace {

Error in_conflict(const MachineRef& machine, std::string cause) {
  Error error{Errc::precondition, "change the machine", machine.id, std::move(cause)};
  error.http_status = 409;
  return error;
}

bool is_wanted(const Machine& machine, const MachineFilter& filter) {
  const auto has = [&](const auto& wanted) {
    const auto found = machine.metadata.find(wanted.first);
    return found != machine.metadata.end() && found->second == wanted.second;
  };
  return (filter.include_deleted || machine.state != "destroyed") &&
         (filter.states.empty() || std::ranges::find(filter.states, machine.state) != filter.states.end()) &&
         (filter.region.empty() || filter.region == machine.region) && std::ranges::all_of(filter.metadata, has);
}

/// A machine of that configuration, by the API's own reading of it.
Result<Machine> machine_of(const std::string& id, const std::string& instance_id, const MachineSpec& spec) {
  const auto field = [](const char* name, const std::string& value) {
    return json_string(name) + ":" + json_string(value) + ",";
  };
  const std::string config = spec.config.empty() ? "{}" : std::string(spec.config.text());
  const std::string text = "{" + field("id", id) + field("name", spec.name) + field("region", spec.region) +
                           field("instance_id", instance_id) +
                           field("state", spec.skip_launch ? "created" : "started") + "\"config\":" + config + "}";
  MIDAIR_TRY_ASSIGN(const auto json, JsonText::parse(text, "the machine", text.size()));
  return Machine::from_json(json);
}

}  // namespace

void MemoryMachines::put(const std::string& app, const Machine& machine) {
  const std::scoped_lock lock(mutex_);
  machines_[{app, machine.id}] = machine;
  changed_.notify_all();
}

Result<std::vector<Machine>> MemoryMachines::list(const std::string& app, const MachineFilter& filter,
                                                  const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  std::vector<Machine> found;
  for (const auto& [key, machine] : machines_)
    if (key.first == app && is_wanted(machine, filter)) found.push_back(machine);
  return found;
}

Result<Machine> MemoryMachines::get(const MachineRef& machine, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  const auto found = machines_.find({machine.app, machine.id});
  if (found == machines_.end()) return no_such("the machine", machine.id);
  return found->second;
}

Result<std::string> MemoryMachines::wait(const MachineRef& machine, const MachineWait& wait, const CallLimits& limits) {
  const CallTimer timer(limits, clock_);
  std::unique_lock lock(mutex_);
  std::string state;
  const auto arrived = [&] {
    const auto found = machines_.find({machine.app, machine.id});
    state = found == machines_.end() ? "destroyed" : found->second.state;
    const bool settled = std::ranges::find(wait.states, "settled") != wait.states.end() && is_settled(state);
    return settled || std::ranges::find(wait.states, state) != wait.states.end();
  };
  const auto patience = std::min<std::chrono::nanoseconds>(wait.timeout, timer.remaining());
  if (changed_.wait_for(lock, limits.stop, patience, arrived)) return state;
  MIDAIR_TRY(timer.check("wait for the machine", machine.id));
  return Error{Errc::timeout, "wait for the machine", machine.id, "it is " + state};
}

template <class Change>
Result<Machine> MemoryMachines::change(const MachineRef& machine, const Change& change) {
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY(may_write(machine));
  const auto found = machines_.find({machine.app, machine.id});
  if (found == machines_.end()) return no_such("the machine", machine.id);
  change(found->second);
  changed_.notify_all();
  return found->second;
}

Result<void> MemoryMachines::set_state(const MachineRef& machine, const std::string& state) {
  MIDAIR_TRY(change(machine, [&](Machine& found) { found.state = state; }));
  return {};
}

Result<void> MemoryMachines::may_write(const MachineRef& machine) const {
  const Lease* lease = lease_of(machine);
  if (lease == nullptr || lease->nonce == machine.nonce) return {};
  return in_conflict(machine, lease->owner + " holds a lease on it until " + format_rfc3339(lease->expires_at));
}

const Lease* MemoryMachines::lease_of(const MachineRef& machine) const {
  const auto found = leases_.find({machine.app, machine.id});
  return found == leases_.end() || found->second.expires_at <= clock_.wall() ? nullptr : &found->second;
}

Result<JsonText> MemoryMachines::events(const MachineRef& machine, const CallLimits& limits) {
  MIDAIR_TRY(get(machine, limits));
  return JsonText::parse("[]", "events", 2);
}
Result<JsonText> MemoryMachines::processes(const MachineRef& machine, const CallLimits& limits) {
  return events(machine, limits);
}
Result<JsonText> MemoryMachines::versions(const MachineRef& machine, const CallLimits& limits) {
  return events(machine, limits);
}

Result<Metadata> MemoryMachines::metadata(const MachineRef& machine, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(auto found, get(machine, limits));
  return std::move(found.metadata);
}

Result<void> MemoryMachines::start(const MachineRef& machine, const CallLimits& /*limits*/) {
  return set_state(machine, "started");
}
Result<void> MemoryMachines::stop(const MachineRef& machine, const std::string& /*signal*/,
                                  std::chrono::milliseconds /*timeout*/, const CallLimits& /*limits*/) {
  return set_state(machine, "stopped");
}
Result<void> MemoryMachines::restart(const MachineRef& machine, const std::string& /*signal*/,
                                     std::chrono::milliseconds /*timeout*/, const CallLimits& /*limits*/) {
  return set_state(machine, "started");
}
Result<void> MemoryMachines::signal(const MachineRef& machine, const std::string& /*signal*/,
                                    const CallLimits& /*limits*/) {
  MIDAIR_TRY(change(machine, [](Machine&) {}));
  return {};
}
Result<void> MemoryMachines::suspend(const MachineRef& machine, const CallLimits& /*limits*/) {
  return set_state(machine, "suspended");
}
Result<void> MemoryMachines::cordon(const MachineRef& machine, const CallLimits& /*limits*/) {
  MIDAIR_TRY(change(machine, [](Machine& found) { found.cordoned = true; }));
  return {};
}
Result<void> MemoryMachines::uncordon(const MachineRef& machine, const CallLimits& /*limits*/) {
  MIDAIR_TRY(change(machine, [](Machine& found) { found.cordoned = false; }));
  return {};
}

Result<ExecOutcome> MemoryMachines::exec(const MachineRef& machine, const std::vector<std::string>& command,
                                         const std::string& /*standard_input*/, const CallLimits& limits) {
  MIDAIR_TRY(get(machine, limits));
  ExecOutcome outcome;
  for (const auto& word : command) outcome.out += (outcome.out.empty() ? "" : " ") + word;
  return outcome;
}

Result<Machine> MemoryMachines::create(const std::string& app, const MachineSpec& spec, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY_ASSIGN(auto made, machine_of(next_name("m"), next_name("i"), spec));
  return machines_[{app, made.id}] = std::move(made);
}

Result<Machine> MemoryMachines::update(const MachineRef& machine, const MachineSpec& spec,
                                       const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY(may_write(machine));
  const auto found = machines_.find({machine.app, machine.id});
  if (found == machines_.end()) return no_such("the machine", machine.id);
  if (!spec.current_version.empty() && spec.current_version != found->second.instance_id)
    return in_conflict(machine, "its version is " + found->second.instance_id);
  MIDAIR_TRY_ASSIGN(found->second, machine_of(machine.id, next_name("i"), spec));
  changed_.notify_all();
  return found->second;
}

Result<void> MemoryMachines::destroy(const MachineRef& machine, bool force, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY(may_write(machine));
  const auto found = machines_.find({machine.app, machine.id});
  if (found == machines_.end()) return {};
  if (found->second.state == "started" && !force) return in_conflict(machine, "it runs");
  machines_.erase(found);
  changed_.notify_all();
  return {};
}

Result<void> MemoryMachines::set_metadata(const MachineRef& machine, const std::string& key, const std::string& value,
                                          const CallLimits& /*limits*/) {
  MIDAIR_TRY(change(machine, [&](Machine& found) { found.metadata[key] = value; }));
  return {};
}
Result<void> MemoryMachines::delete_metadata(const MachineRef& machine, const std::string& key,
                                             const CallLimits& /*limits*/) {
  MIDAIR_TRY(change(machine, [&](Machine& found) { found.metadata.erase(key); }));
  return {};
}

Result<Lease> MemoryMachines::take_lease(const MachineRef& machine, std::chrono::seconds ttl,
                                         const std::string& description, std::chrono::milliseconds /*patience*/,
                                         const CallLimits& limits) {
  MIDAIR_TRY(get(machine, limits));
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY(may_write(machine));
  Lease lease;
  lease.nonce = machine.nonce.empty() ? next_name("nonce") : machine.nonce;
  lease.owner = "memory";
  lease.expires_at = clock_.wall() + ttl;
  lease.description = description;
  return leases_[{machine.app, machine.id}] = lease;
}

Result<void> MemoryMachines::release_lease(const MachineRef& machine, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  MIDAIR_TRY(may_write(machine));
  leases_.erase({machine.app, machine.id});
  return {};
}

Result<Lease> MemoryMachines::lease(const MachineRef& machine, const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  const Lease* held = lease_of(machine);
  if (held == nullptr) return no_such("a lease on", machine.id);
  return *held;
}

}  // namespace midair::host
