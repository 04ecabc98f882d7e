/// @file
/// Named places that can be made to fail, so that tests can fail each of them. Compiled in with -DMIDAIR_FAULTS=ON
/// only; otherwise a point costs nothing and the environment is not read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "midair/error.h"

namespace midair {

#ifdef MIDAIR_FAULTS

/// Passes the point `name`. Nothing happens unless the environment's MIDAIR_FAULT says "<name>=<action>", which is read
/// once: `error` (a refusal), `enospc` and `eio` return an error that the caller must treat as its own failure; `kill`
/// ends the process with SIGKILL; `hang` never returns. Thread-safe.
[[nodiscard]] std::optional<Error> fault(const std::string& name);

/// Errc::bad_input if MIDAIR_FAULT names a point that isn't among `points`, or no such action.
[[nodiscard]] Result<void> check_fault_setting(const std::vector<std::string>& points);

inline constexpr bool kFaultsCompiledIn = true;

#else

[[nodiscard]] inline std::optional<Error> fault(const std::string&) { return std::nullopt; }
[[nodiscard]] inline Result<void> check_fault_setting(const std::vector<std::string>&) { return {}; }
inline constexpr bool kFaultsCompiledIn = false;

#endif

}  // namespace midair
