/// @file
/// Which code a process runs.
#pragma once

#include <filesystem>
#include <string>

#include "midair/release/release_name.h"

namespace midair::sidecar {

/// A release on disk, or the base image (then all but `directory` are empty).
struct ReleaseRef : ReleaseName {
  std::filesystem::path directory;

  [[nodiscard]] bool is_base_image() const { return digest.empty(); }
  /// "version 1.2 (1a2b3c4d5e6f)" or "the base image".
  [[nodiscard]] std::string describe() const {
    return is_base_image() ? "the base image" : "version " + version + " (" + digest.substr(0, 12) + ")";
  }
};

}  // namespace midair::sidecar
