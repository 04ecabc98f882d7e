/// @file
/// Which code a process runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "midair/release/release_name.h"
#include "midair/release/writable_places.h"

namespace midair::sidecar {

/// A directory that each generation finds empty.
struct FreshPlace {
  std::filesystem::path base;  ///< absolute; nobody but us changes what leads to it
  std::string place;           ///< below it
};

/// What of a release its app may write to.
struct WritableRef {
  WritablePlaces places;
  std::vector<FreshPlace> fresh;
};

/// A release on disk, or the base image (then all but `directory` are empty).
struct ReleaseRef : ReleaseName {
  std::filesystem::path directory;
  WritableRef writable{};

  [[nodiscard]] bool is_base_image() const { return digest.empty(); }
  /// "version 1.2 (1a2b3c4d5e6f)" or "the base image".
  [[nodiscard]] std::string describe() const {
    return is_base_image() ? "the base image" : "version " + version + " (" + digest.substr(0, 12) + ")";
  }
};

}  // namespace midair::sidecar
