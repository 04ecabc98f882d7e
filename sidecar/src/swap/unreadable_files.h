/// @file
/// Files of a release that its own process may not read.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "midair/release/manifest.h"

namespace midair::sidecar {

/// The directories and files that not everybody may read.
[[nodiscard]] std::vector<std::string> restricted_entries(const Manifest& manifest);

/// Which of `names`, in `release_dir`, the processes `pids` can't read, as a clause for the end of a failure; empty if
/// there are none. Of processes that have ended nobody knows the user: then all are named.
[[nodiscard]] std::string unreadable_files(const std::vector<std::string>& names,
                                           const std::filesystem::path& release_dir, const std::vector<pid_t>& pids);

}  // namespace midair::sidecar
