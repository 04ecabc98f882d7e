/// @file
/// A fleet's snapshot, for people and for programs.
#pragma once

#include <string>

#include "midair/host/fleet/fleet_status.h"
#include "midair/host/plugin.h"

namespace midair::host::hot {

/// How much is told of each machine: brief for fleets, full for one, with all that its result says.
enum class Detail { brief, full };

/// The JSON document that `midair status --json` prints, as the plugin's README documents it.
[[nodiscard]] std::string to_json(const FleetSnapshot& snapshot, const std::string& app, Detail detail = Detail::brief);

/// A headline and a table, one line per machine and one more where it has a problem; ages are counted up to `now`.
/// `console` only lends its colours.
[[nodiscard]] std::string to_text(const FleetSnapshot& snapshot, const std::string& app, const Console& console,
                                  WallTime now, Detail detail = Detail::brief);

}  // namespace midair::host::hot
