#include <algorithm>
#include <set>
#include <system_error>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/log.h"
#include "midair/release/release_archive.h"

namespace midair {
namespace fs = std::filesystem;

namespace {

Result<std::set<std::string>> names_of_manifest(const fs::path& directory) {
  const std::string name(kManifestName);
  MIDAIR_TRY_ASSIGN(const std::string text, read_file(directory / name, kMaxManifestBytes));
  MIDAIR_TRY_ASSIGN(const Manifest manifest, Manifest::parse(text, name));
  std::set<std::string> names{name};
  for (const ManifestFile& file : manifest.files) names.insert(file.path);
  for (const ManifestLink& link : manifest.links) names.insert(link.path);
  return names;
}

}  // namespace

Result<std::vector<std::string>> added_files(const fs::path& directory, std::size_t most,
                                             const WritablePlaces& writable) {
  MIDAIR_TRY_ASSIGN(const auto known, names_of_manifest(directory));
  std::vector<std::string> added;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::end(entry) && added.size() < most; entry.increment(error)) {
    std::error_code gone;
    if (fs::is_directory(entry->symlink_status(gone))) continue;
    std::string name = entry->path().lexically_relative(directory).generic_string();
    if (!known.contains(name) && !writable.contain(name)) added.push_back(std::move(name));
  }
  if (error) return system_error(error.value(), "list", directory.string());
  std::ranges::sort(added);
  return added;
}

void log_added_files(const fs::path& directory, const WritablePlaces& writable) {
  constexpr std::size_t kMost = 10;
  const auto added = added_files(directory, kMost, writable);
  if (!added || added->empty()) return;
  std::string names;
  for (const std::string& name : *added) names += (names.empty() ? "" : ", ") + printable(name);
  log(LogLevel::warning, "release.added_files",
      {{"release", directory.string()}, {"files", names + (added->size() == kMost ? ", ..." : "")}});
}

}  // namespace midair
