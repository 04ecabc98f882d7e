/// @file
/// The modules of a release that is upgraded in place.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "midair/error.h"
#include "release/release_plan.h"

namespace midair {

/// Every `modules/NAME.so` of the plan, checked by the lint that the machines apply too, with its build id; in byte
/// order of their names. Errc::bad_input says which file cannot be swapped in, and why; or that there is none, or too
/// many. Of what can be swapped in and is dubious all the same (writable variables) the plan's notices say so.
[[nodiscard]] Result<std::vector<ManifestModule>> find_modules(ReleasePlan& plan, const std::stop_token& stop);

/// A sentence about modules that nothing will swap in place, though nobody said that they shouldn't be; empty if there
/// are none.
[[nodiscard]] std::string notice_of_unused_modules(const ReleasePlan& plan);

}  // namespace midair
