/// @file
/// The two passes of pack_release(): look at everything, then write it.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "midair/error.h"
#include "midair/release/release_archive.h"
#include "release/source_tree.h"

namespace midair {

/// What the first pass found.
struct ReleasePlan {
  std::filesystem::path directory;
  PackOptions options;
  Manifest manifest;
  SourceTree tree;  ///< its files are those of manifest.files, in the same order
  std::vector<LeftOut> left_out{};
  bool strategy_named = false;         ///< somebody chose the strategy; else it is the default
  std::vector<std::string> notices{};  ///< see PackedRelease
};

/// Lists, checks and hashes what is there, and reads the modules' build ids. Errors of pack_release().
[[nodiscard]] Result<ReleasePlan> plan_release(const std::filesystem::path& directory, const std::string& app,
                                               const std::string& version, const std::stop_token& stop,
                                               const PackOptions& options = {});

/// Writes what was planned. Errors of pack_release(); Errc::bad_input if the directory is not what it was.
[[nodiscard]] Result<PackedRelease> write_release(const ReleasePlan& plan, int tarball_fd, const std::stop_token& stop);

}  // namespace midair
