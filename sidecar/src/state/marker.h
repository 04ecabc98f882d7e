/// @file
/// `marker.json`: the release that is committed on this machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "midair/error.h"
#include "midair/release/release_name.h"

namespace midair::sidecar {

/// The last release that passed its probation here; its digest names releases/<digest>.
struct Marker : ReleaseName {
  std::string committed_at;  ///< RFC 3339
};

/// Nothing if there is none. Errc::corrupt if it can't be understood, Errc::refused if a newer sidecar wrote it: in
/// both cases nothing counts as committed here.
[[nodiscard]] Result<std::optional<Marker>> read_marker(const std::filesystem::path& path);

/// Replaces the marker durably.
[[nodiscard]] Result<void> write_marker(const std::filesystem::path& path, const Marker& marker);

/// Removes the marker durably: nothing is committed here any more.
[[nodiscard]] Result<void> remove_marker(const std::filesystem::path& path);

}  // namespace midair::sidecar
