/// @file
/// What is known of a process that didn't take its upgrade, for people and for programs.
#pragma once

#include <Poco/JSON/Object.h>

#include <cstddef>
#include <string>

#include "midair/release/machine_state.h"

namespace midair::host::hot {

/// Lines to stand below a machine: the step at which it failed, how its process ended, and the last `most_lines` lines
/// that this wrote. Washed. Empty where nothing is known, as of one that didn't fail.
[[nodiscard]] std::string failure_text(const UpgradeResult& result, std::size_t most_lines);

/// All of a result that isn't about its machine: `midair status MACHINE --json` has it as `result`.
[[nodiscard]] Poco::JSON::Object result_json(const UpgradeResult& result);

}  // namespace midair::host::hot
