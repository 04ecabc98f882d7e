/// @file
/// Releases from the whole tarballs in the object store.
#pragma once

#include <filesystem>

#include "midair/store/object_store.h"
#include "release/release_source.h"
#include "state/state_dir.h"

namespace midair::sidecar {

/// Downloads into StateDir::incoming().
class TarballSource final : public ReleaseSource {
 public:
  /// Both must outlive the source.
  TarballSource(const StateDir& state, ObjectStore& store) : state_(state), store_(store) {}

  [[nodiscard]] Result<Fd> fetch(const Target& target, const std::stop_token& stop) override;
  void discard(const Target& target) override;

 private:
  [[nodiscard]] std::filesystem::path part_of(const Target& target) const;

  const StateDir& state_;
  ObjectStore& store_;
};

}  // namespace midair::sidecar
