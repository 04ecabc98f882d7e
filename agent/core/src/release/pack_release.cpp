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

bool is_as_planned(const SourceContent& content, const ManifestFile& file) {
  return content.size == file.size && content.digest == file.digest && content.executable == file.executable &&
         content.access == file.access && content.mtime == file.mtime.value_or(content.mtime);
}

Result<void> write_file(TarWriter& tar, const ManifestFile& file, const SourceFile& source,
                        const std::stop_token& stop) {
  MIDAIR_TRY(tar.add({.name = file.path,
                      .executable = file.executable,
                      .access = file.access,
                      .size = file.size,
                      .mtime = file.mtime.value_or(0)}));
  std::uint64_t left = file.size;
  const auto copy = [&](std::string_view piece) -> Result<void> {
    if (piece.size() > left) return changed(source.path);
    left -= piece.size();
    return tar.write(piece);
  };
  const auto content = read_source_file(source, stop, copy);
  if (content.ok() && is_as_planned(*content, file)) return {};
  if (content.ok() || content.error().code == Errc::bad_input) return changed(source.path);
  return content.error();
}

Result<void> write_directories_and_links(TarWriter& tar, const Manifest& manifest) {
  for (const ManifestDirectory& directory : manifest.directories)
    MIDAIR_TRY(tar.add({.name = directory.path, .kind = TarKind::directory, .access = directory.access}));
  for (const ManifestLink& link : manifest.links)
    MIDAIR_TRY(tar.add({.name = link.path, .kind = TarKind::link, .target = link.target}));
  return {};
}

/// What came or went meanwhile.
Result<void> check_same_tree(const ReleasePlan& plan) {
  MIDAIR_TRY_ASSIGN(SourceListing now, list_source_tree(plan.directory, plan.options));
  std::erase_if(now.tree.files, [](const SourceFile& source) { return source.name == kManifestName; });
  if (now.tree != plan.tree || !now.problems.empty()) return changed(plan.directory);
  return {};
}

}  // namespace

Result<PackedRelease> write_release(const ReleasePlan& plan, int tarball_fd, const std::stop_token& stop) {
  if (::ftruncate(tarball_fd, 0) != 0 || ::lseek(tarball_fd, 0, SEEK_SET) != 0)
    return system_error(errno, "write", "the tarball");
  TarWriter tar(tarball_fd);
  MIDAIR_TRY(write_manifest(tar, plan.manifest));
  PackedRelease packed;
  for (std::size_t i = 0; i < plan.tree.files.size(); ++i) {
    MIDAIR_TRY(write_file(tar, plan.manifest.files[i], plan.tree.files[i], stop));
    packed.unpacked_size += plan.manifest.files[i].size;
  }
  MIDAIR_TRY(write_directories_and_links(tar, plan.manifest));
  MIDAIR_TRY(tar.finish());
  MIDAIR_TRY(check_same_tree(plan));
  packed.manifest = plan.manifest;
  packed.left_out = plan.left_out;
  packed.notices = plan.notices;
  packed.digest = tar.gzip().packed_sha256();
  packed.size = tar.gzip().packed_size();
  return packed;
}

Result<ReleaseListing> list_release(const std::filesystem::path& directory, const PackOptions& options,
                                    const std::stop_token& stop) {
  constexpr const char* kAny = "any";  // name and version change nothing of what is packed
  MIDAIR_TRY_ASSIGN(ReleasePlan plan, plan_release(directory, kAny, kAny, stop, options));
  ReleaseListing listing;
  for (const ManifestFile& file : plan.manifest.files) listing.unpacked_size += file.size;
  listing.manifest = std::move(plan.manifest);
  listing.left_out = std::move(plan.left_out);
  listing.notices = std::move(plan.notices);
  return listing;
}

Result<PackedRelease> pack_release(const std::filesystem::path& directory, const std::string& app,
                                   const std::string& version, int tarball_fd, const std::stop_token& stop,
                                   const PackOptions& options) {
  MIDAIR_TRY_ASSIGN(const ReleasePlan plan, plan_release(directory, app, version, stop, options));
  return write_release(plan, tarball_fd, stop);
}

}  // namespace midair
