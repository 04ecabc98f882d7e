/// @file
/// `midair.json`, the first entry of every release tarball: what the release is and every file in it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/writable_places.h"

namespace midair {

inline constexpr std::string_view kManifestName = "midair.json";
/// A manifest is never longer than this (100,000 files at 160 bytes).
inline constexpr std::uint64_t kMaxManifestBytes = 16 * 1024 * 1024;

/// How a release takes over from the one before.
inline constexpr std::array<std::string_view, 4> kStrategies{"handover", "in-place", "adapter", "static"};

inline constexpr std::string_view kHandover = "handover";
inline constexpr std::string_view kInPlace = "in-place";

/// Who may read a file or enter a directory, besides its owner.
enum class Access { all, group, owner };

/// One regular file of a release.
struct ManifestFile {
  std::string path;        ///< relative, checked by check_entry_name()
  std::uint64_t size = 0;  ///< bytes
  std::string digest;      ///< SHA-256 of its content, 64 hex digits
  bool executable = false;
  Access access = Access::all;
  std::optional<std::uint64_t> mtime{};  ///< seconds since 1970; nothing: the one time of all releases
};

/// A directory that no file tells of: an empty one, or one that not everybody may enter.
struct ManifestDirectory {
  std::string path;  ///< relative, checked by check_entry_name()
  Access access = Access::all;

  bool operator==(const ManifestDirectory&) const = default;
};

/// A symbolic link, see find_link_problem().
struct ManifestLink {
  std::string path;    ///< relative, checked by check_entry_name()
  std::string target;  ///< as it stands in the link

  bool operator==(const ManifestLink&) const = default;
};

/// One shared object that the in-place strategy replaces while its process runs.
struct ManifestModule {
  std::string name;      ///< as it calls itself: 1 to 64 bytes of [A-Za-z0-9._-]
  std::string path;      ///< one of the release's files
  std::string build_id;  ///< of its .note.gnu.build-id, in lower-case hex
};
/// So that all of them fit into one message of the upgrade protocol.
inline constexpr std::size_t kMaxModules = 32;

/// The manifest. It carries no time and no host name: same files, same bytes.
struct Manifest {
  std::string app;
  std::string version;
  std::string strategy = "handover";           ///< one of kStrategies
  std::vector<ManifestFile> files;             ///< in byte order of their paths
  std::vector<ManifestDirectory> directories;  ///< in byte order of their paths
  std::vector<ManifestLink> links;             ///< in byte order of their paths
  std::string hooks;                           ///< the file of its Lua hooks; empty: none
  std::vector<ManifestModule> modules;         ///< in-place only, and then at least one; in byte order of their names
  std::vector<std::string> required_features;  ///< of kFeatures: what a sidecar must know to unpack it
  WritablePlaces writable;                     ///< directories that the app writes to

  /// Of everything that it lists.
  [[nodiscard]] std::size_t entries() const { return files.size() + directories.size() + links.size(); }
  /// 1 for what every sidecar can unpack, 2 for what requires a feature.
  [[nodiscard]] std::uint64_t format() const { return required_features.empty() ? 1 : 2; }

  /// Strict: Errc::corrupt for wrong types and unordered files; Errc::refused for a newer format, features that are not
  /// known here, an unknown strategy, no files at all, unsafe, duplicate or clashing names, links that lead where they
  /// must not, and modules that are none. Unknown fields are ignored.
  static Result<Manifest> parse(std::string_view text, const std::string& subject);
  [[nodiscard]] std::string to_json() const;
};

/// The rule for names in a release: relative, components of 1 to 255 bytes, at most 3,072 bytes in all, well-formed
/// UTF-8 without control characters, no "." or ".." component. Errc::refused says which rule was broken; what is not
/// ASCII is escaped in the message.
[[nodiscard]] Result<void> check_entry_name(std::string_view name);

}  // namespace midair
