#include "release/stager.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "midair/durable_file.h"
#include "midair/log.h"
#include "midair/release/layout.h"
#include "release/outside_links.h"
#include "state/tree.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// A manifest that tells of another release than the pointer did is a lie or a mix-up; either way it isn't run.
Result<void> check_manifest(const Manifest& manifest, const Target& target) {
  const auto differs = [&](const std::string& cause) {
    return Error{Errc::refused, "accept the release", target.key, cause, "publish the release again"};
  };
  if (manifest.version != target.version)
    return differs("its manifest is for version '" + manifest.version + "', the pointer for '" + target.version + "'");
  if (StoreLayout{manifest.app}.tarball(manifest.version) != target.key)
    return differs("its manifest is for the app '" + manifest.app + "'");
  if (manifest.strategy != target.strategy)
    return differs("its manifest wants the strategy '" + manifest.strategy + "', the pointer '" + target.strategy +
                   "'");
  return {};
}

/// Makes the complete tree read-only and gives it its name: from here on it is a release.
Result<void> seal(const fs::path& staging, const fs::path& release, const std::optional<ReleaseOwner>& owner) {
  MIDAIR_TRY(seal_tree(staging));
  if (owner) MIDAIR_TRY(give_tree(staging, *owner));
  MIDAIR_TRY(sync_path(staging));
  if (::rename(staging.c_str(), release.c_str()) != 0) return system_error(errno, "seal", release.string());
  return sync_path(release.parent_path());
}

}  // namespace

Stager::Stager(const StateDir& state, ReleaseSource& source, const WritableLinks& links, StagingRules rules)
    : state_(state), source_(source), links_(links), rules_(std::move(rules)) {}

Result<StagedRelease> Stager::stage(const Target& target, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(auto staged, find_sealed(target, stop));
  if (!staged) {
    MIDAIR_TRY_ASSIGN(staged, fetch_and_unpack(target, stop));
  }
  MIDAIR_TRY(check_outside_links(staged->manifest, rules_.base_dir));
  return *std::move(staged);
}

Result<std::optional<StagedRelease>> Stager::find_sealed(const Target& target, const std::stop_token& stop) const {
  const fs::path release = state_.release(target.digest);
  std::error_code error;
  if (!fs::exists(release, error)) return std::optional<StagedRelease>();
  auto manifest = verify_extracted(release, stop, links_.places());
  if (manifest) {
    MIDAIR_TRY(check_manifest(*manifest, target));
    MIDAIR_TRY_ASSIGN(WritableRef writable, links_.make(release, target.digest, *manifest));
    log_added_files(release, writable.places);
    return std::optional(StagedRelease{target, release, *std::move(manifest), std::move(writable)});
  }
  if (manifest.error().code == Errc::cancelled) return std::move(manifest).error();
  log(LogLevel::warning, "stage.tampered", {{"release", release.string()}, {"error", manifest.error().message()}});
  MIDAIR_TRY(remove_tree(release));
  return std::optional<StagedRelease>();
}

Result<StagedRelease> Stager::fetch_and_unpack(const Target& target, const std::stop_token& stop) const {
  const fs::path release = state_.release(target.digest);
  const fs::path staging = fs::path(release) += ".tmp-staging";
  MIDAIR_TRY_ASSIGN(const Fd tarball, source_.fetch(target, stop));
  auto staged = unpack(tarball.get(), staging, target, stop);
  if (staged || staged.error().code != Errc::cancelled) source_.discard(target);
  if (!staged) return staged;
  MIDAIR_TRY(seal(staging, release, rules_.owner));
  staged->directory = release;
  return staged;
}

/// Unpacks into `directory`, which is made and, on failure, removed again.
Result<StagedRelease> Stager::unpack(int tarball_fd, const fs::path& directory, const Target& target,
                                     const std::stop_token& stop) const {
  MIDAIR_TRY(remove_tree(directory));
  MIDAIR_TRY(make_private_dir(directory));
  const auto unpacked = [&]() -> Result<StagedRelease> {
    MIDAIR_TRY_ASSIGN(Manifest manifest, extract_release(tarball_fd, directory, rules_.limits, stop));
    MIDAIR_TRY(check_manifest(manifest, target));
    MIDAIR_TRY_ASSIGN(WritableRef writable, links_.make(directory, target.digest, manifest));
    return StagedRelease{target, directory, std::move(manifest), std::move(writable)};
  };
  auto staged = unpacked();
  if (staged) return staged;
  if (auto removed = remove_tree(directory); !removed)
    log(LogLevel::warning, "stage.leftover", {{"error", removed.error().message()}});
  Error error = std::move(staged).error();
  // These bytes are the ones that were promised, so fetching them again can't mend them.
  if (error.code == Errc::corrupt) error.code = Errc::refused;
  return error;
}

}  // namespace midair::sidecar
