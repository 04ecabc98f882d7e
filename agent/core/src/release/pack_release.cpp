#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "midair/release/release_archive.h"
#include "release/release_plan.h"
#include "release/tar.h"

namespace midair {

namespace {

Error changed(const std::filesystem::path& path) {
  return {Errc::bad_input, "pack", "'" + path.string() + "'", "it changed while it was packed",
          "wait until the build is done, then pack again"};
}

Result<void> write_manifest(TarWriter& tar, const Manifest& manifest) {
  const std::string text = manifest.to_json();
  if (text.size() > kMaxManifestBytes)
    return Error{Errc::bad_input, "pack", "the release", "its manifest would be longer than 16 MiB"};
  MIDAIR_TRY(tar.add({.name = std::string(kManifestName), .size = text.size()}));
  return tar.write(text);
}

Result<void> write_file(TarWriter& tar, const ManifestFile& file, const SourceFile& source,
                        const std::stop_token& stop) {
  MIDAIR_TRY(tar.add({.name = file.path, .executable = file.executable, .size = file.size}));
  std::uint64_t left = file.size;
  const auto copy = [&](std::string_view piece) -> Result<void> {
    if (piece.size() > left) return changed(source.path);
    left -= piece.size();
    return tar.write(piece);
  };
  const auto content = read_source_file(source, stop, copy);
  const SourceContent planned{.size = file.size, .digest = file.digest, .executable = file.executable};
  if (content.ok() && *content == planned) return {};
  if (content.ok() || content.error().code == Errc::bad_input) return changed(source.path);
  return content.error();
}

/// Files that came or went meanwhile.
Result<void> check_same_files(const ReleasePlan& plan) {
  MIDAIR_TRY_ASSIGN(SourceListing now, list_source_files(plan.directory, plan.options));
  std::erase_if(now.files, [](const SourceFile& source) { return source.name == kManifestName; });
  if (now.files != plan.sources) return changed(plan.directory);
  return {};
}

/// Every sidecar would take such a tarball for a bomb.
Result<void> check_ratio(std::uint64_t unpacked, std::uint64_t packed, const std::filesystem::path& directory) {
  const std::uint64_t max_ratio = ExtractLimits().max_ratio;
  if (unpacked <= kRatioFreeBytes || unpacked <= max_ratio * packed) return {};
  return Error{Errc::bad_input, "pack", "'" + directory.string() + "'",
               "it can be compressed to less than 1/" + std::to_string(max_ratio) +
                   " of its size, which machines refuse to unpack",
               "leave files that are nothing but padding out of the release"};
}

}  // namespace

Result<PackedRelease> write_release(const ReleasePlan& plan, int tarball_fd, const std::stop_token& stop) {
  if (::ftruncate(tarball_fd, 0) != 0 || ::lseek(tarball_fd, 0, SEEK_SET) != 0)
    return system_error(errno, "write", "the tarball");
  TarWriter tar(tarball_fd);
  MIDAIR_TRY(write_manifest(tar, plan.manifest));
  PackedRelease packed;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    MIDAIR_TRY(write_file(tar, plan.manifest.files[i], plan.sources[i], stop));
    packed.unpacked_size += plan.manifest.files[i].size;
  }
  MIDAIR_TRY(tar.finish());
  MIDAIR_TRY(check_same_files(plan));
  MIDAIR_TRY(check_ratio(tar.unpacked_size(), tar.gzip().packed_size(), plan.directory));
  packed.manifest = plan.manifest;
  packed.left_out = plan.left_out;
  packed.notices = plan.notices;
  packed.digest = tar.gzip().packed_sha256();
  packed.size = tar.gzip().packed_size();
  return packed;
}

Result<PackedRelease> pack_release(const std::filesystem::path& directory, const std::string& app,
                                   const std::string& version, int tarball_fd, const std::stop_token& stop,
                                   const PackOptions& options) {
  MIDAIR_TRY_ASSIGN(const ReleasePlan plan, plan_release(directory, app, version, stop, options));
  return write_release(plan, tarball_fd, stop);
}

}  // namespace midair
