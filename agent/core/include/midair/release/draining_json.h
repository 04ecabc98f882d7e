/// @file
/// How an old process that drains is told, in a machine's record and by both programs' status.
#pragma once

#include <Poco/JSON/Object.h>

#include "midair/release/machine_state.h"

namespace midair {

/// `version` (empty: the base image), `since`, `deadline`, `busy`, `idle`, `streaming`.
[[nodiscard]] Poco::JSON::Object::Ptr to_json(const DrainingProcess& process);

}  // namespace midair
