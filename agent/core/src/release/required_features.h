/// @file
/// What a release asks of a sidecar.
#pragma once

#include <string>
#include <vector>

#include "midair/release/manifest.h"

namespace midair {

/// Those of kFeatures that `manifest` needs, and no other: the less it requires, the more machines take it. In byte
/// order.
[[nodiscard]] std::vector<std::string> features_needed_by(const Manifest& manifest);

}  // namespace midair
