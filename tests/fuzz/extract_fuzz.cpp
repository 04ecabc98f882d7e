/// @file
/// Any archive as a release: nothing is written outside the directory, and what is accepted is exactly the manifest.
#include <filesystem>
#include <map>
#include <set>

#include "midair/digest.h"
#include "midair/release/release_archive.h"
#include "release/required_features.h"
#include "release/tar.h"
#include "tar_input.h"
#include "temp_dir.h"

namespace midair {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxFileBytes = 1 << 20;

/// The manifest that would make a release of `archive`, as far as it can be read: no fuzzer guesses a SHA-256. Links
/// are listed wherever they lead, directories where nothing is below them.
Manifest manifest_for(std::string_view archive) {
  const MemoryFile file = gzip_file(archive);
  TarReader reader(file.fd());
  std::map<std::string, ManifestFile> files;
  std::map<std::string, std::string> links;
  std::set<std::string> directories;
  for (auto entry = reader.next(); entry.ok() && entry->has_value(); entry = reader.next()) {
    const TarEntry& header = **entry;
    if (header.kind == TarKind::directory) directories.insert(header.name);
    if (header.kind == TarKind::link) links.try_emplace(header.name, header.target);
    if (header.kind != TarKind::file) continue;
    Sha256 hash;
    for (auto piece = reader.read(); piece.ok() && !piece->empty(); piece = reader.read()) hash.update(*piece);
    files.try_emplace(header.name, ManifestFile{.path = header.name,
                                                .size = header.size,
                                                .digest = hash.finish_hex(),
                                                .executable = header.executable,
                                                .access = header.access});
  }
  Manifest manifest;
  manifest.app = "app";
  manifest.version = "1";
  for (const auto& [name, listed] : files) manifest.files.push_back(listed);
  for (const auto& [name, target] : links) manifest.links.push_back({name, target});
  for (const auto& name : directories) manifest.directories.push_back({name, Access::all});
  manifest.required_features = features_needed_by(manifest);
  return manifest;
}

/// `archive` behind its manifest.
MemoryFile release_of(std::string_view archive) {
  const std::string text = manifest_for(archive).to_json();
  const auto header = encode_ustar({.name = std::string(kManifestName), .size = text.size()});
  require(header.ok());
  std::string release(header->data(), header->size());
  release += text;
  release.resize((release.size() + kTarBlockBytes - 1) / kTarBlockBytes * kTarBlockBytes);
  return gzip_file(release.append(archive));
}

/// Paths below `directory`; without directories unless they are empty.
std::set<std::string> leaves_of(const fs::path& directory) {
  std::set<std::string> leaves;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_symlink() || !entry.is_directory() || fs::is_empty(entry))
      leaves.insert(entry.path().lexically_relative(directory));
  return leaves;
}

bool has_absolute_links(const fs::path& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_symlink() && fs::read_symlink(entry).is_absolute()) return true;
  return false;
}

/// The kernel, asked, finds no relative link that leads out or nowhere.
void require_inside(const fs::path& directory, const ManifestLink& link) {
  if (link.target.starts_with('/')) return;
  std::error_code error;
  const fs::path root = fs::canonical(directory);
  const fs::path end = fs::canonical(directory / link.path, error);
  // It may end at an absolute link, and that anywhere.
  require(!error ? (end / "").string().starts_with((root / "").string()) || has_absolute_links(directory)
                 : has_absolute_links(directory));
}

void require_exactly(const fs::path& directory, const Manifest& manifest) {
  std::set<std::string> expected{std::string(kManifestName)};
  for (const ManifestFile& file : manifest.files) expected.insert(file.path);
  for (const ManifestLink& link : manifest.links) expected.insert(link.path);
  for (const ManifestDirectory& listed : manifest.directories)
    if (fs::is_empty(directory / listed.path)) expected.insert(listed.path);
  require(leaves_of(directory) == expected);
  for (const ManifestLink& link : manifest.links) require_inside(directory, link);
  const auto verified = verify_extracted(directory);
  require(verified.ok() && verified->to_json() == manifest.to_json());
}

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  static const TempDir around;
  const fs::path directory = around / "release";
  fs::create_directory(directory);
  const MemoryFile release = release_of(with_checksums(text_of(data, size)));
  const auto manifest = extract_release(release.fd(), directory, {.max_unpacked_bytes = kMaxFileBytes});
  if (manifest.ok()) require_exactly(directory, *manifest);
  fs::remove_all(directory);
  require(fs::is_empty(around.path()));
  return 0;
}
