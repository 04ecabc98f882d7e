#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/release/release_archive.h"
#include "release/dir_tree.h"
#include "release/entry_links.h"
#include "release/entry_mode.h"
#include "release/tar.h"

namespace midair {

namespace {

Error corrupt(const std::string& name, const std::string& cause) {
  return {Errc::corrupt, "unpack", "'" + printable(name) + "'", cause};
}

Error refused(const std::string& name, const std::string& cause) {
  return {Errc::refused, "unpack", "'" + printable(name) + "'", cause};
}

Result<void> set_mtime(int fd, std::uint64_t seconds, const std::string& name) {
  const timespec time{static_cast<time_t>(seconds), 0};
  const std::array times{time, time};
  if (::futimens(fd, times.data()) != 0) return system_error(errno, "set the time of", name);
  return {};
}

/// One run of extract_release().
class Extraction {
 public:
  Extraction(int tarball_fd, DirTree tree, const ExtractLimits& limits, const std::stop_token& stop)
      : tar_(tarball_fd), tree_(std::move(tree)), limits_(limits), stop_(stop) {}

  Result<Manifest> run() {
    MIDAIR_TRY(take_manifest());
    for (;;) {
      MIDAIR_TRY_ASSIGN(const auto entry, tar_.next());
      if (!entry) break;
      MIDAIR_TRY(count_entry(*entry));
      MIDAIR_TRY(take(*entry));
    }
    MIDAIR_TRY(check_complete());
    MIDAIR_TRY(finish_tree());
    return std::move(manifest_);
  }

 private:
  Result<void> take_manifest();
  Result<void> check_limits() const;
  Result<void> count_entry(const TarEntry& entry);
  Result<void> take(const TarEntry& entry);
  Result<void> take_directory(const TarEntry& entry);
  Result<void> take_link(const TarEntry& entry);
  Result<void> take_file(const TarEntry& entry);
  Result<std::size_t> index_of(const std::string& name) const;
  Result<std::string> copy_content(const ManifestFile& file);
  Result<void> check_complete() const;
  Result<void> finish_tree();

  TarReader tar_;
  DirTree tree_;
  const ExtractLimits limits_;
  const std::stop_token stop_;

  Manifest manifest_;
  std::vector<bool> taken_;            ///< by index of manifest_.files
  std::vector<bool> taken_links_;      ///< by index of manifest_.links
  std::set<std::string> directories_;  ///< entries, not those that others imply
  std::uint64_t entries_ = 0;          ///< without the manifest
};

Result<void> Extraction::take_manifest() {
  const std::string name(kManifestName);
  MIDAIR_TRY_ASSIGN(const auto entry, tar_.next());
  if (!entry) return refused(name, "the tarball is empty, so it has no manifest");
  if (entry->name != name || entry->kind != TarKind::file)
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
  taken_links_.resize(manifest_.links.size());
  MIDAIR_TRY_ASSIGN(const Fd fd, tree_.create_file(name, mode_of(Access::all, false)));
  MIDAIR_TRY(write_all(fd.get(), text, name));
  return set_mtime(fd.get(), kReleaseTime, name);
}

/// Before anything is written: the manifest says what is to come.
Result<void> Extraction::check_limits() const {
  if (manifest_.entries() > limits_.max_entries)
    return refused(std::string(kManifestName),
                   "it lists more than " + std::to_string(limits_.max_entries) + " files, directories and links");
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

Result<void> Extraction::take(const TarEntry& entry) {
  switch (entry.kind) {
    case TarKind::file: return take_file(entry);
    case TarKind::directory: return take_directory(entry);
    case TarKind::link: return take_link(entry);
  }
  return {};
}

/// Other tools write all directories; but only those are allowed that the manifest lists, or that lead to what it
/// lists.
Result<void> Extraction::take_directory(const TarEntry& entry) {
  if (!has_directory(manifest_, entry.name))
    return corrupt(entry.name, "it is a directory that leads to no file of the manifest");
  if (!directories_.insert(entry.name).second) return refused(entry.name, "it is in the tarball twice");
  return tree_.create_directory(entry.name, mode_of(Access::all, true));
}

/// It is made at the end, so that nothing can be written through it.
Result<void> Extraction::take_link(const TarEntry& entry) {
  const auto link = std::ranges::lower_bound(manifest_.links, entry.name, {}, &ManifestLink::path);
  if (link == manifest_.links.end() || link->path != entry.name)
    return refused(entry.name, "it is a symbolic link that the manifest does not list");
  if (link->target != entry.target) return corrupt(entry.name, "it is a symbolic link to something else than listed");
  const auto index = static_cast<std::size_t>(link - manifest_.links.begin());
  if (taken_links_[index]) return refused(entry.name, "it is in the tarball twice");
  taken_links_[index] = true;
  return {};
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
  MIDAIR_TRY_ASSIGN(const std::string digest, copy_content(file));
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
Result<std::string> Extraction::copy_content(const ManifestFile& file) {
  const std::string& name = file.path;
  MIDAIR_TRY_ASSIGN(const Fd fd, tree_.create_file(name, mode_of(file.access, file.executable)));
  Sha256 hash;
  for (;;) {
    if (stop_.stop_requested()) return Error{Errc::cancelled, "unpack", name, "it was interrupted"};
    MIDAIR_TRY_ASSIGN(const std::string_view piece, tar_.read());
    if (piece.empty()) break;
    MIDAIR_TRY(write_all(fd.get(), piece, name));
    hash.update(piece);
  }
  MIDAIR_TRY(set_mtime(fd.get(), file.mtime.value_or(kReleaseTime), name));
  return hash.finish_hex();
}

/// Listed directories need no entry: they are made whether or not other tools wrote one.
Result<void> Extraction::check_complete() const {
  const auto check = [](const auto& entries, const std::vector<bool>& taken) -> Result<void> {
    const auto missing = std::ranges::find(taken, false);
    if (missing == taken.end()) return {};
    return corrupt(entries[static_cast<std::size_t>(missing - taken.begin())].path,
                   "the manifest lists it, but it is not in the tarball");
  };
  MIDAIR_TRY(check(manifest_.files, taken_));
  return check(manifest_.links, taken_links_);
}

/// Links come last, and then everything is flushed.
Result<void> Extraction::finish_tree() {
  std::vector<std::string_view> files{kManifestName};
  for (const ManifestFile& file : manifest_.files) files.emplace_back(file.path);
  std::vector<std::string_view> directories;
  for (const ManifestDirectory& directory : manifest_.directories) {
    MIDAIR_TRY(tree_.create_directory(directory.path, mode_of(directory.access, true)));
    directories.emplace_back(directory.path);
  }
  for (const ManifestLink& link : manifest_.links) {
    MIDAIR_TRY(tree_.create_link(link.path, link.target));
    directories.emplace_back(directory_of(link.path));
  }
  return tree_.sync(files, directories);
}

}  // namespace

Result<Manifest> extract_release(int tarball_fd, const std::filesystem::path& directory, const ExtractLimits& limits,
                                 const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(DirTree tree, DirTree::open(directory));
  MIDAIR_TRY(tree.check_empty());
  return Extraction(tarball_fd, std::move(tree), limits, stop).run();
}

}  // namespace midair
