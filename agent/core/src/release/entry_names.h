/// @file
/// Names of a release that cannot live side by side on every file system.
#pragma once

#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/release/manifest.h"

namespace midair {

/// Errc::refused names two files of which one is listed twice, is a directory of the other, is the manifest, or that
/// differ, in whole or in a directory, only by case. Every name must satisfy check_entry_name().
[[nodiscard]] Result<void> check_entry_names_together(const std::vector<ManifestFile>& files);

}  // namespace midair
