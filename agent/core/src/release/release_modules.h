/// @file
/// The modules of a release that is upgraded in place.
#pragma once

#include <stop_token>
#include <vector>

#include "midair/error.h"
#include "release/release_plan.h"

namespace midair {

/// Every `modules/NAME.so` of the plan, checked by the lint that the machines apply too, with its build id; in byte
/// order of their names. Errc::bad_input says which file cannot be swapped in, and why; or that there is none, or too
/// many.
[[nodiscard]] Result<std::vector<ManifestModule>> find_modules(const ReleasePlan& plan, const std::stop_token& stop);

}  // namespace midair
