/// @file
/// The app's command for a release: what it names in the base image by an absolute path, it means in the release.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace midair::sidecar {

/// A command to run, and what was changed in it.
struct ReleaseCommand {
  std::vector<std::string> words;   ///< program and arguments
  std::vector<std::string> mapped;  ///< those of the given words that became others
};

/// `command` was written for the app in `base_dir`. A word that is an absolute path there, as a whole or after its
/// first
/// '=' (`--file=/app/x.py`), becomes the same path below `release_dir`, if it exists in the release; else it stays, as
/// it may name what only the image has, such as its interpreter. Looks at the disk. A base directory that is the root
/// or empty maps nothing.
[[nodiscard]] ReleaseCommand release_command(const std::vector<std::string>& command,
                                             const std::filesystem::path& base_dir,
                                             const std::filesystem::path& release_dir);

}  // namespace midair::sidecar
