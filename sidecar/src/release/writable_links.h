/// @file
/// The directories of the machine behind a release's writable places.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/manifest.h"
#include "midair/release/writable_places.h"
#include "release/release_ref.h"
#include "state/state_dir.h"

namespace midair::sidecar {

/// Lets a release's places be links. A kept one leads to the directory of that name in the base directory where there
/// is one (a volume may be mounted there), else to one in the state directory: StateDir::kept_places(). A fresh one
/// leads to StateDir::fresh_places(), or is a directory in the kept one that it lies below.
///
/// What a release has in a kept place goes there once, where nothing of that name is. An app may run as another user
/// than the sidecar: as in /tmp, whoever makes a file there owns it (mode 1777). Thread-safe: it is only read.
class WritableLinks {
 public:
  /// `places` are those of every release, beyond those that its manifest names. `dir` must outlive this.
  WritableLinks(const StateDir& dir, std::filesystem::path base_dir, WritablePlaces places)
      : dir_(dir), base_dir_(std::move(base_dir)), places_(std::move(places)) {}

  /// In a release that was unpacked to, or found sealed in, `release`; links that are there already stay. Errc::refused
  /// if the release has something else than a directory in a place, or on the way there.
  [[nodiscard]] Result<WritableRef> make(const std::filesystem::path& release, std::string_view digest,
                                         const Manifest& manifest) const;

  [[nodiscard]] const WritablePlaces& places() const { return places_; }

 private:
  [[nodiscard]] Result<std::filesystem::path> home_of(const std::string& kept) const;

  const StateDir& dir_;
  const std::filesystem::path base_dir_;
  const WritablePlaces places_;
};

/// Empties `places`, or makes them, for a new generation.
[[nodiscard]] Result<void> renew(const std::vector<FreshPlace>& places);

}  // namespace midair::sidecar
