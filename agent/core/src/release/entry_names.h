/// @file
/// Names of a release: which of them cannot live side by side, and which need a newer sidecar.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/manifest.h"

namespace midair {

/// The rule for the text of a name or a link's target: well-formed UTF-8 without control characters. The rule that it
/// breaks, or an empty text.
[[nodiscard]] std::string broken_rule_of_text(std::string_view text);

/// Errc::refused names two entries of which one is listed twice, is a directory of the other, or is the manifest.
/// Every name must satisfy check_entry_name().
[[nodiscard]] Result<void> check_entry_names_together(const Manifest& manifest);

/// True if sidecars that know no features take every name: [A-Za-z0-9._@+-] between slashes, and no two that differ, in
/// whole or in a directory, only by case.
[[nodiscard]] bool are_plain_names(const Manifest& manifest);

}  // namespace midair
