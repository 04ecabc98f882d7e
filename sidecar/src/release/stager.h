/// @file
/// From a target to a sealed release on this machine's disk: fetch, verify, unpack, seal.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "midair/error.h"
#include "midair/release/manifest.h"
#include "midair/release/release_archive.h"
#include "release/release_ref.h"
#include "release/release_source.h"
#include "release/trust_policy.h"
#include "release/writable_links.h"
#include "state/state_dir.h"
#include "state/tree.h"

namespace midair::sidecar {

/// A release that lies complete, verified and read-only on disk.
struct StagedRelease {
  Target target;
  std::filesystem::path directory;
  Manifest manifest;
  WritableRef writable{};
};

/// How a staged release is known once it runs.
[[nodiscard]] inline ReleaseRef ref_of(const StagedRelease& release) {
  return {release.target.name(), release.directory, release.writable};
}

/// What a machine makes of a release.
struct StagingRules {
  ExtractLimits limits{};
  std::filesystem::path base_dir{};     ///< the app in the image, into which no link may lead; empty: none
  std::optional<ReleaseOwner> owner{};  ///< of what is unpacked; else whoever runs this
};

/// Stages releases from a source, one at a time. Streams: memory does not grow with the release. Not thread-safe:
/// belongs to the thread that StoreThread stages with.
class Stager {
 public:
  /// What is referenced must outlive the stager.
  Stager(const StateDir& state, ReleaseSource& source, const WritableLinks& links, StagingRules rules = {});

  /// Fetches `target` into StateDir::release(target.digest), or finds it sealed there and sound. `stop` ends everything
  /// with Errc::cancelled.
  ///
  /// Errors that may pass by themselves: those of ReleaseSource::fetch(). Errc::refused will not: the archive or its
  /// manifest breaks a rule, the manifest tells of another release than the pointer, or a link leads into the base
  /// image's app or to what is not on this machine. Nothing half done is left behind but what the source keeps.
  [[nodiscard]] Result<StagedRelease> stage(const Target& target, const std::stop_token& stop);

 private:
  [[nodiscard]] Result<std::optional<StagedRelease>> find_sealed(const Target& target,
                                                                 const std::stop_token& stop) const;
  [[nodiscard]] Result<StagedRelease> fetch_and_unpack(const Target& target, const std::stop_token& stop) const;
  [[nodiscard]] Result<StagedRelease> unpack(int tarball_fd, const std::filesystem::path& directory,
                                             const Target& target, const std::stop_token& stop) const;

  const StateDir& state_;
  ReleaseSource& source_;
  const WritableLinks& links_;
  StagingRules rules_;
};

}  // namespace midair::sidecar
