#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/release/release_archive.h"
#include "release/dir_tree.h"
#include "release/tar.h"

namespace midair {

namespace {

Error corrupt(const std::string& name, const std::string& cause) {
  return {Errc::corrupt, "unpack", "'" + printable(name) + "'", cause};
}

Error refused(const std::string& name, const std::string& cause) {
  return {Errc::refused, "unpack", "'" + printable(name) + "'", cause};
}

/// One run of extract_release().
class Extraction {
 public:
  Extraction(int tarball_fd, DirTree tree, const ExtractLimits& limits, const std::stop_token& stop)
      : tar_(tarball_fd, limits.max_ratio), tree_(std::move(tree)), limits_(limits), stop_(stop) {}

  Result<Manifest> run() {
    MIDAIR_TRY(take_manifest());
    for (;;) {
      MIDAIR_TRY_ASSIGN(const auto entry, tar_.next());
      if (!entry) break;
      MIDAIR_TRY(count_entry(*entry));
      MIDAIR_TRY(entry->is_directory ? take_directory(*entry) : take_file(*entry));
    }
    MIDAIR_TRY(check_complete());
    MIDAIR_TRY(tree_.sync(all_names()));
    return std::move(manifest_);
  }

 private:
  Result<void> take_manifest();
  Result<void> check_limits() const;
  Result<void> count_entry(const TarEntry& entry);
  Result<void> take_directory(const TarEntry& entry);
  Result<void> take_file(const TarEntry& entry);
  Result<std::size_t> index_of(const std::string& name) const;
  Result<std::string> copy_content(const std::string& name, bool executable);
  Result<void> check_complete() const;
  [[nodiscard]] std::vector<std::string_view> all_names() const;

  TarReader tar_;
  DirTree tree_;
  const ExtractLimits limits_;
  const std::stop_token stop_;

  Manifest manifest_;
  std::vector<bool> taken_;            ///< by index of manifest_.files
  std::set<std::string> directories_;  ///< entries, not those that files imply
  std::uint64_t entries_ = 0;          ///< without the manifest
};

Result<void> Extraction::take_manifest() {
  const std::string name(kManifestName);
  MIDAIR_TRY_ASSIGN(const auto entry, tar_.next());
  if (!entry) return refused(name, "the tarball is empty, so it has no manifest");
  if (entry->name != name || entry->is_directory)
    return refused(entry->name, "the first entry of a release must be its manifest, " + name);
  if (entry->size > kMaxManifestBytes) return refused(name, "it is longer than 16 MiB");
  std::string text;
  text.reserve(entry->size);
  while (text.size() < entry->size) {
    MIDAIR_TRY_ASSIGN(const std::string_view piece, tar_.read());
    text += piece;
  }
  MIDAIR_TRY_ASSIGN(manifest_, Manifest::parse(text, name));
  MIDAIR_TRY(check_limits());
  taken_.resize(manifest_.files.size());
  MIDAIR_TRY_ASSIGN(const Fd fd, tree_.create_file(name, false));
  return write_all(fd.get(), text, name);
}

/// Before anything is written: the manifest says what is to come.
Result<void> Extraction::check_limits() const {
  if (manifest_.files.size() > limits_.max_entries)
    return refused(std::string(kManifestName), "it lists more than " + std::to_string(limits_.max_entries) + " files");
  std::uint64_t left = limits_.max_unpacked_bytes;
  for (const ManifestFile& file : manifest_.files) {
    if (file.size > left)
      return refused(file.path, "with it the release unpacks to more than " +
                                    std::to_string(limits_.max_unpacked_bytes) + " bytes");
    left -= file.size;
  }
  return {};
}

Result<void> Extraction::count_entry(const TarEntry& entry) {
  if (++entries_ > limits_.max_entries)
    return refused(entry.name, "the tarball has more than " + std::to_string(limits_.max_entries) + " entries");
  return {};
}

/// Directories are allowed because other tools write them, but only those that lead to a file.
Result<void> Extraction::take_directory(const TarEntry& entry) {
  const std::string below = entry.name + "/";
  const auto file = std::lower_bound(manifest_.files.begin(), manifest_.files.end(), below,
                                     [](const ManifestFile& f, const std::string& name) { return f.path < name; });
  if (file == manifest_.files.end() || !file->path.starts_with(below))
    return corrupt(entry.name, "it is a directory that leads to no file of the manifest");
  if (!directories_.insert(entry.name).second) return refused(entry.name, "it is in the tarball twice");
  return tree_.create_directory(entry.name);
}

Result<void> Extraction::take_file(const TarEntry& entry) {
  MIDAIR_TRY_ASSIGN(const std::size_t index, index_of(entry.name));
  const ManifestFile& file = manifest_.files[index];
  if (taken_[index]) return refused(entry.name, "it is in the tarball twice");
  taken_[index] = true;
  if (entry.size != file.size)
    return corrupt(entry.name, "it has " + std::to_string(entry.size) + " bytes, and its manifest says " +
                                   std::to_string(file.size));
  if (entry.executable != file.executable)
    return corrupt(entry.name, file.executable ? "it is not executable as its manifest says"
                                               : "it is executable against its manifest");
  MIDAIR_TRY_ASSIGN(const std::string digest, copy_content(file.path, file.executable));
  if (digest != file.digest) return corrupt(entry.name, "its SHA-256 is not the one in the manifest");
  return {};
}

Result<std::size_t> Extraction::index_of(const std::string& name) const {
  if (name == kManifestName) return refused(name, "it is in the tarball twice");
  const auto file = std::lower_bound(manifest_.files.begin(), manifest_.files.end(), name,
                                     [](const ManifestFile& f, const std::string& n) { return f.path < n; });
  if (file == manifest_.files.end() || file->path != name) return corrupt(name, "the manifest does not list it");
  return static_cast<std::size_t>(file - manifest_.files.begin());
}

/// Writes the entry's content to its file and returns its digest.
Result<std::string> Extraction::copy_content(const std::string& name, bool executable) {
  MIDAIR_TRY_ASSIGN(const Fd fd, tree_.create_file(name, executable));
  Sha256 hash;
  for (;;) {
    if (stop_.stop_requested()) return Error{Errc::cancelled, "unpack", name, "it was interrupted"};
    MIDAIR_TRY_ASSIGN(const std::string_view piece, tar_.read());
    if (piece.empty()) return hash.finish_hex();
    MIDAIR_TRY(write_all(fd.get(), piece, name));
    hash.update(piece);
  }
}

Result<void> Extraction::check_complete() const {
  const auto missing = std::find(taken_.begin(), taken_.end(), false);
  if (missing == taken_.end()) return {};
  return corrupt(manifest_.files[static_cast<std::size_t>(missing - taken_.begin())].path,
                 "the manifest lists it, but it is not in the tarball");
}

std::vector<std::string_view> Extraction::all_names() const {
  std::vector<std::string_view> names{kManifestName};
  for (const ManifestFile& file : manifest_.files) names.emplace_back(file.path);
  return names;
}

}  // namespace

Result<Manifest> extract_release(int tarball_fd, const std::filesystem::path& directory, const ExtractLimits& limits,
                                 const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(DirTree tree, DirTree::open(directory));
  MIDAIR_TRY(tree.check_empty());
  return Extraction(tarball_fd, std::move(tree), limits, stop).run();
}

}  // namespace midair
