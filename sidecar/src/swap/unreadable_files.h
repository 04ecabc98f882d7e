/// @file
/// Files of a release that its own process may not read.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace midair::sidecar {

/// Which files and directories of the release in `release_dir` the processes `pids` can't read, as a clause for the end
/// of a failure; empty if there are none, or no release is there. Of processes that have ended nobody knows the user:
/// then all are named that not everybody may read.
[[nodiscard]] std::string unreadable_files(const std::filesystem::path& release_dir, const std::vector<pid_t>& pids);

}  // namespace midair::sidecar
