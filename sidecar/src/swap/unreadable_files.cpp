#include "swap/unreadable_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "midair/durable_file.h"
#include "midair/foreign_text.h"
#include "midair/release/manifest.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// So many are named.
constexpr std::size_t kMostNamed = 5;

/// Whose eyes a process has.
struct Reader {
  uid_t uid = 0;
  std::set<gid_t> groups;
};

std::optional<Reader> reader_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::optional<Reader> reader;
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    unsigned ignored = 0;
    if (key == "Uid:") words >> ignored >> reader.emplace().uid;  // the second is the effective one
    gid_t group = 0;
    if (reader && (key == "Gid:" || key == "Groups:"))
      while (words >> group) reader->groups.insert(group);
  }
  return reader;
}

bool can_read(const Reader& reader, const struct stat& status) {
  if (reader.uid == 0) return true;
  if (reader.uid == status.st_uid) return (status.st_mode & S_IRUSR) != 0;
  if (reader.groups.contains(status.st_gid)) return (status.st_mode & S_IRGRP) != 0;
  return (status.st_mode & S_IROTH) != 0;
}

template <class Entry>
void add_restricted(const std::vector<Entry>& entries, std::vector<std::string>& names) {
  for (const Entry& entry : entries)
    if (entry.access != Access::all) names.push_back(entry.path);
}

/// The directories and files that not everybody may read.
std::vector<std::string> restricted_entries(const fs::path& release_dir) {
  std::vector<std::string> names;
  const auto text = read_file(release_dir / kManifestName, kMaxManifestBytes);
  const auto manifest = text ? Manifest::parse(*text, std::string(kManifestName)) : text.error();
  if (!manifest) return names;
  add_restricted(manifest->directories, names);
  add_restricted(manifest->files, names);
  return names;
}

}  // namespace

std::string unreadable_files(const fs::path& release_dir, const std::vector<pid_t>& pids) {
  std::vector<Reader> readers;
  for (const pid_t pid : pids)
    if (auto reader = reader_of(pid)) readers.push_back(*std::move(reader));

  std::string list;
  std::size_t count = 0;
  for (const std::string& name : restricted_entries(release_dir)) {
    struct stat status {};
    if (::lstat((release_dir / name).c_str(), &status) != 0) continue;
    const auto reads_it = [&status](const Reader& reader) { return can_read(reader, status); };
    if (!readers.empty() && std::ranges::all_of(readers, reads_it)) continue;
    if (++count <= kMostNamed)
      list += (list.empty() ? "" : ", ") + printable(name) + " (of " + std::to_string(status.st_uid) + ":" +
              std::to_string(status.st_gid) + ")";
  }
  if (count == 0) return {};
  if (count > kMostNamed) list += ", ...";
  return (readers.empty() ? "unless it ran as their owner it could not read " : "it cannot read ") + list +
         ", see --release-owner";
}

}  // namespace midair::sidecar
