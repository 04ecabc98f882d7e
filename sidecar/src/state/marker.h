/// @file
/// `marker.json`: the release that is committed on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "midair/error.h"

namespace midair::sidecar {

/// The last release that passed its probation here, and the base image that it was made for.
struct Marker {
  std::string version;
  std::string digest;  ///< SHA-256 of its tarball: names releases/<digest>
  std::string hot_ref;
  std::string base_image_ref;
  std::string committed_at;  ///< RFC 3339
  std::uint64_t sequence = 0;
};

/// Nothing if there is none. Errc::corrupt if it can't be understood, Errc::refused if a newer sidecar wrote it: in
/// both cases nothing counts as committed here.
[[nodiscard]] Result<std::optional<Marker>> read_marker(const std::filesystem::path& path);

/// Replaces the marker durably.
[[nodiscard]] Result<void> write_marker(const std::filesystem::path& path, const Marker& marker);

/// Removes the marker durably: nothing is committed here any more.
[[nodiscard]] Result<void> remove_marker(const std::filesystem::path& path);

}  // namespace midair::sidecar
