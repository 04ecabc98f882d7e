/// @file
/// Release trees on disk: read-only once they are complete.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "midair/error.h"

namespace midair::sidecar {

/// Whom a release belongs to, and so who reads what not everybody may read.
struct ReleaseOwner {
  uid_t uid = 0;
  gid_t gid = 0;

  bool operator==(const ReleaseOwner&) const = default;
};

/// Takes every write permission from `directory` and all below it. The content must have been flushed before.
[[nodiscard]] Result<void> seal_tree(const std::filesystem::path& directory);

/// Gives `directory` and all below it to `owner`, links themselves included.
[[nodiscard]] Result<void> give_tree(const std::filesystem::path& directory, const ReleaseOwner& owner);

/// Removes `path` and all below it, sealed or not. Follows no links; it is not an error if nothing is there.
[[nodiscard]] Result<void> remove_tree(const std::filesystem::path& path);

}  // namespace midair::sidecar
