#include "release/tarball_source.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "release/download.h"

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

/// A store that won't give the tarball (a redirect, a certificate, HTTP status 501) says nothing about the release.
Error may_pass(Error error) {
  if (error.code == Errc::refused || error.code == Errc::bad_input) error.code = Errc::unavailable;
  return error;
}

}  // namespace

Result<Fd> TarballSource::fetch(const Target& target, const std::stop_token& stop) {
  const fs::path part = part_of(target);
  discard_other_downloads(state_.incoming(), part);
  MIDAIR_TRY(check_space(state_.root(), target.size));
  auto tarball =
      fetch_verified(store_, {target.key, target.digest, target.size}, part, transfer_limits(target.size, stop));
  if (!tarball) return may_pass(std::move(tarball).error());
  return tarball;
}

void TarballSource::discard(const Target& target) { discard_download(part_of(target)); }

fs::path TarballSource::part_of(const Target& target) const { return state_.incoming() / (target.digest + ".part"); }

}  // namespace midair::sidecar
