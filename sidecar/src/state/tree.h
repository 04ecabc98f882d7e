/// @file
/// Release trees on disk: read-only once they are complete.
#pragma once

#include <filesystem>

#include "midair/error.h"

namespace midair::sidecar {

/// Takes every write permission from `directory` and all below it. The content must have been flushed before.
[[nodiscard]] Result<void> seal_tree(const std::filesystem::path& directory);

/// Removes `path` and all below it, sealed or not. Follows no links; it is not an error if nothing is there.
[[nodiscard]] Result<void> remove_tree(const std::filesystem::path& path);

}  // namespace midair::sidecar
