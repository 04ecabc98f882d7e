#include "midair/host/fleet/fleet_machine.h"

#include <utility>

namespace midair::host {

namespace {

FleetState fleet_state_of(MachineState state) {
  switch (state) {
    case MachineState::unknown: return FleetState::unknown;
    case MachineState::serving: return FleetState::serving;
    case MachineState::swapping: return FleetState::swapping;
    case MachineState::stopped: return FleetState::stopped;
  }
  return FleetState::unknown;
}

}  // namespace

const char* to_string(FleetState state) noexcept {
  switch (state) {
    case FleetState::unknown: return to_string(MachineState::unknown);
    case FleetState::serving: return to_string(MachineState::serving);
    case FleetState::swapping: return to_string(MachineState::swapping);
    case FleetState::stopped: return to_string(MachineState::stopped);
    case FleetState::silent: return "silent";
    case FleetState::gone: return "gone";
    case FleetState::unreadable: return "unreadable";
  }
  return "";
}

FleetMachine as_recorded(MachineRecord record) {
  const auto state = fleet_state_of(record.state);
  return {std::move(record), state};
}

FleetMachine as_unreadable(std::string machine_id) {
  FleetMachine machine;
  machine.record.machine_id = std::move(machine_id);
  machine.state = FleetState::unreadable;
  machine.record_unreadable = true;
  return machine;
}

bool has_committed(const FleetMachine& machine, const HotUpgrade& release) {
  const MachineRecord& record = machine.record;
  const bool is_settled = record.state == MachineState::serving || record.state == MachineState::stopped;
  return is_settled && !release.digest.empty() && record.digest == release.digest &&
         record.base_image_ref == release.base_image_ref;
}

bool can_answer(const FleetMachine& machine) {
  switch (machine.state) {
    case FleetState::unknown:
    case FleetState::serving:
    case FleetState::swapping: return true;
    case FleetState::stopped:
    case FleetState::silent:
    case FleetState::gone:
    case FleetState::unreadable: return false;
  }
  return false;
}

}  // namespace midair::host
