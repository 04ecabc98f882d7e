/// @file
/// Links of a release to what the image holds.
#pragma once

#include <filesystem>

#include "midair/error.h"
#include "midair/release/manifest.h"

namespace midair::sidecar {

/// Absolute links must lead to something on this machine, and not into `base_dir`: there the old code lies.
/// Errc::refused names the first that doesn't.
[[nodiscard]] Result<void> check_outside_links(const Manifest& manifest, const std::filesystem::path& base_dir);

}  // namespace midair::sidecar
