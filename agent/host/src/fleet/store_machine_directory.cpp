#include "midair/host/fleet/store_machine_directory.h"

#include <algorithm>

#include "midair/log.h"
#include "midair/release/layout.h"

namespace midair::host {

namespace {

Result<MachineRecord> read_record(const PrefixMirror::Entry& entry, const std::string& key, const std::string& id) {
  if (entry.unreadable) return *entry.unreadable;
  MIDAIR_TRY(check_machine_id(id));
  MIDAIR_TRY_ASSIGN(auto record, MachineRecord::parse(entry.text, key));
  if (record.machine_id != id)
    return Error{Errc::corrupt, "read the machine record", key, "it speaks for machine '" + record.machine_id + "'"};
  return record;
}

}  // namespace

Result<std::vector<FleetMachine>> StoreMachineDirectory::machines(ObjectStore& store, const std::string& app,
                                                                  const CallLimits& limits) {
  const std::lock_guard lock(mutex_);
  const auto prefix = StoreLayout{app}.machines_prefix();
  auto& mirror = mirrors_.try_emplace(store.name() + "\n" + prefix, prefix, kMaxMachineStateBytes).first->second;
  MIDAIR_TRY_ASSIGN(const auto changed, mirror.refresh(store, limits));

  std::vector<FleetMachine> machines;
  for (const auto& [key, entry] : mirror.entries()) {
    const auto id = mirror.stem_of(key);
    if (id.empty()) continue;
    if (auto record = read_record(entry, key, id); record.ok()) {
      machines.push_back(as_recorded(*std::move(record)));
    } else {
      if (std::ranges::find(changed, key) != changed.end())
        log(LogLevel::warning, "machine.unreadable", {{"machine", id}, {"error", record.error().message()}});
      machines.push_back(as_unreadable(id));
    }
  }
  std::ranges::sort(machines, {}, [](const auto& machine) { return machine.record.machine_id; });
  return machines;
}

}  // namespace midair::host
