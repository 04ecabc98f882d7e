/// @file
/// Compare-and-swap with an answer one can act on.
#pragma once

#include <optional>
#include <string>

#include "midair/store/object_store.h"

namespace midair::host {

/// Stores `text`, which must be unique to this writer, under `condition`. Returns its ETag; nothing if the condition
/// does not hold.
///
/// Where the outcome of the write is unknown (a lost answer, a 5xx, a 409 to a race), the object is read: it is ours if
/// it has our text, and the write is tried again if the condition still holds. An error means that nothing was written,
/// unless its cause says that this is unknown.
[[nodiscard]] Result<std::optional<Etag>> conditional_put(ObjectStore& store, const std::string& key,
                                                          const std::string& text, const PutCondition& condition,
                                                          const CallLimits& limits);

}  // namespace midair::host
