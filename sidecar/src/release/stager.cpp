#include "release/stager.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

#include "midair/durable_file.h"
#include "midair/release/layout.h"
#include "midair/log.h"
#include "release/download.h"
#include "state/tree.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kSpaceMargin = 64ULL << 20;  // for the app's own files and the journal
constexpr std::uint64_t kTypicalRatio = 3;           // what gzip makes of binaries; extraction itself is bounded

Result<void> check_space(const fs::path& directory, std::uint64_t tarball_size) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return system_error(errno, "measure the disk of", directory.string());
  const std::uint64_t has = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  const std::uint64_t needs = tarball_size * (1 + kTypicalRatio) + kSpaceMargin;
  if (has >= needs) return {};
  return Error{Errc::no_space, "stage the release in", directory.string(),
               "it needs " + std::to_string(needs) + " bytes, the disk has " + std::to_string(has),
               "free some space there, or give another directory with --state-dir"};
}

/// Cut downloads of other releases are obsolete: the newest target wins.
void discard_other_downloads(const fs::path& incoming, const fs::path& part) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(incoming, error))
    if (!entry.path().filename().string().starts_with(part.filename().string())) ::unlink(entry.path().c_str());
}

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

/// Unpacks into `directory`, which is made and, on failure, removed again.
Result<Manifest> unpack(int tarball_fd, const fs::path& directory, const Target& target, const ExtractLimits& limits,
                        const std::stop_token& stop) {
  MIDAIR_TRY(remove_tree(directory));
  MIDAIR_TRY(make_private_dir(directory));
  auto manifest = extract_release(tarball_fd, directory, limits, stop);
  Result<void> checked = manifest ? check_manifest(*manifest, target) : manifest.error();
  if (checked) return manifest;
  if (auto removed = remove_tree(directory); !removed)
    log(LogLevel::warning, "stage.leftover", {{"error", removed.error().message()}});
  Error error = std::move(checked).error();
  // These bytes are the ones that were promised, so fetching them again can't mend them.
  if (error.code == Errc::corrupt) error.code = Errc::refused;
  return error;
}

/// A store that won't give the tarball (a redirect, a certificate, HTTP status 501) says nothing about the release.
Error may_pass(Error error) {
  if (error.code == Errc::refused || error.code == Errc::bad_input) error.code = Errc::unavailable;
  return error;
}

/// Makes the complete tree read-only and gives it its name: from here on it is a release.
Result<void> seal(const fs::path& staging, const fs::path& release) {
  MIDAIR_TRY(seal_tree(staging));
  MIDAIR_TRY(sync_path(staging));
  if (::rename(staging.c_str(), release.c_str()) != 0) return system_error(errno, "seal", release.string());
  return sync_path(release.parent_path());
}

}  // namespace

Stager::Stager(const StateDir& state, ObjectStore& store, const ExtractLimits& limits)
    : state_(state), store_(store), limits_(limits) {}

Result<StagedRelease> Stager::stage(const Target& target, const std::stop_token& stop) {
  const fs::path release = state_.release(target.sha256);
  MIDAIR_TRY_ASSIGN(auto known, find_sealed(target, stop));
  if (known) return StagedRelease{target, release, *std::move(known)};
  MIDAIR_TRY_ASSIGN(Manifest manifest, fetch_and_unpack(target, stop));
  return StagedRelease{target, release, std::move(manifest)};
}

Result<std::optional<Manifest>> Stager::find_sealed(const Target& target, const std::stop_token& stop) const {
  const fs::path release = state_.release(target.sha256);
  std::error_code error;
  if (!fs::exists(release, error)) return std::optional<Manifest>();
  auto manifest = verify_extracted(release, stop);
  if (manifest) {
    MIDAIR_TRY(check_manifest(*manifest, target));
    return std::optional(std::move(manifest).value());
  }
  if (manifest.error().code == Errc::cancelled) return std::move(manifest).error();
  log(LogLevel::warning, "stage.tampered", {{"release", release.string()}, {"error", manifest.error().message()}});
  MIDAIR_TRY(remove_tree(release));
  return std::optional<Manifest>();
}

Result<Manifest> Stager::fetch_and_unpack(const Target& target, const std::stop_token& stop) const {
  const fs::path release = state_.release(target.sha256);
  const fs::path staging = fs::path(release) += ".tmp-staging";
  const fs::path part = state_.incoming() / (target.sha256 + ".part");
  discard_other_downloads(state_.incoming(), part);
  MIDAIR_TRY(check_space(state_.root(), target.size));
  auto tarball =
      fetch_verified(store_, {target.key, target.sha256, target.size}, part, transfer_limits(target.size, stop));
  if (!tarball) return may_pass(std::move(tarball).error());
  auto manifest = unpack(tarball->get(), staging, target, limits_, stop);
  if (manifest || manifest.error().code != Errc::cancelled) discard_download(part);
  if (manifest) MIDAIR_TRY(seal(staging, release));
  return manifest;
}

}  // namespace midair::sidecar
