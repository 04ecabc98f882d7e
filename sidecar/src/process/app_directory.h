/// @file
/// Whether a path lies in a directory of the app: in that of the base image or in a release's.
#pragma once

#include <filesystem>
#include <optional>

namespace midair::sidecar {

/// A directory, known by the name that it was given and by the one that the kernel says, as one may be a link to the
/// other. The root and an empty path stand for no directory: nothing lies in them.
class AppDirectory {
 public:
  /// Resolves the name now. One that leads nowhere is known as it was given.
  explicit AppDirectory(const std::filesystem::path& directory);

  /// An absolute path as seen from the directory ("." for the directory itself), by its text alone: `//`, `.` and `..`
  /// are taken out, links are not followed. Nothing if it doesn't lie there.
  [[nodiscard]] std::optional<std::filesystem::path> inside(const std::filesystem::path& path) const;

 private:
  std::filesystem::path given_;
  std::filesystem::path resolved_;
};

}  // namespace midair::sidecar
