/// @file
/// A machine as one of a fleet: what its record says, and what the platform says of it.
#pragma once

#include <string>

#include "midair/release/machine_state.h"
#include "midair/release/pointer.h"

namespace midair::host {

/// What is believed of a machine.
enum class FleetState {
  unknown,     ///< its record is in a state that this program doesn't know: it may well serve
  serving,     ///< as its record says
  swapping,    ///< as its record says
  stopped,     ///< as its record or the platform says
  silent,      ///< the platform runs it, but it has never checked in with the store
  gone,        ///< it checked in once, and the platform does not know it (any more)
  unreadable,  ///< its record makes no sense: only its machine_id is known
};
/// "serving", ...; empty for FleetState::unknown.
[[nodiscard]] const char* to_string(FleetState state) noexcept;

/// One machine of a fleet.
struct FleetMachine {
  MachineRecord record;  ///< of one that never checked in: what the platform knows of that
  FleetState state = FleetState::unknown;
  std::string platform_state{};  ///< the platform's word: "started", "suspended", ..., or "gone"; empty: not asked
  std::string platform_image{};  ///< the image that the platform has for it; empty: not asked
  /// Its record makes no sense, whatever `state` is by the platform's word: what it needs of the store isn't known.
  bool record_unreadable = false;
};

/// A machine that is believed what its record says.
[[nodiscard]] FleetMachine as_recorded(MachineRecord record);

/// A machine whose record makes no sense, FleetState::unreadable as long as the platform doesn't know better.
[[nodiscard]] FleetMachine as_unreadable(std::string machine_id);

/// True if its record shows that release as committed there: it runs it for users, or was stopped with it.
[[nodiscard]] bool has_committed(const FleetMachine& machine, const HotUpgrade& release);

/// True if that machine may take an upgrade now and say so.
[[nodiscard]] bool can_answer(const FleetMachine& machine);

}  // namespace midair::host
