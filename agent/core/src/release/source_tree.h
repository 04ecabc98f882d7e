/// @file
/// The directory that becomes a release: what is in it, and what is in its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/release/release_archive.h"

namespace midair {

/// One file to be packed.
struct SourceFile {
  std::string name;  ///< in the release, relative
  std::filesystem::path path;

  bool operator==(const SourceFile&) const = default;
};

/// All that is to be packed, each list in byte order of its names.
struct SourceTree {
  std::vector<SourceFile> files;
  std::vector<ManifestDirectory> directories;  ///< those that a manifest lists
  std::vector<ManifestLink> links;

  bool operator==(const SourceTree&) const = default;
};

/// What list_source_tree() found.
struct SourceListing {
  SourceTree tree;
  std::vector<LeftOut> left_out;  ///< in byte order of their names
  std::vector<Error>
      problems;  ///< what can't be packed: a device, socket or fifo, an absolute link to something inside
};

/// All that lies below `directory` and is not left out, hidden files too. Errc::bad_input if there is no such
/// directory, or a pattern of `options` is none.
[[nodiscard]] Result<SourceListing> list_source_tree(const std::filesystem::path& directory,
                                                     const PackOptions& options);

/// What a file was when it was read.
struct SourceContent {
  std::uint64_t size = 0;
  std::string digest;
  bool executable = false;
  Access access = Access::all;
  std::uint64_t mtime = 0;  ///< whole seconds since 1970

  bool operator==(const SourceContent&) const = default;
};

/// Reads a file from its beginning to its end and hands each piece to `take`, whose error ends it. Errc::bad_input if
/// it cannot be opened or is no longer a regular file, Errc::cancelled on `stop`.
[[nodiscard]] Result<SourceContent> read_source_file(const SourceFile& file, const std::stop_token& stop,
                                                     const std::function<Result<void>(std::string_view)>& take);

}  // namespace midair
