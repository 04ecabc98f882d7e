/// @file
/// The directory that becomes a release: which files are in it, and what is in them.
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
  std::string name;            ///< in the release, relative
  std::filesystem::path path;  ///< of its content; elsewhere than its name if that is a link

  bool operator==(const SourceFile&) const = default;
};

/// What list_source_files() found.
struct SourceListing {
  std::vector<SourceFile> files;  ///< in byte order of their names
  std::vector<LeftOut> left_out;  ///< likewise
};

/// All regular files below `directory` that are not left out, hidden ones too; links to regular files inside count as
/// such. Errc::bad_input names what cannot be packed: see pack_release().
[[nodiscard]] Result<SourceListing> list_source_files(const std::filesystem::path& directory,
                                                      const PackOptions& options);

/// What a file was when it was read.
struct SourceContent {
  std::uint64_t size = 0;
  std::string digest;
  bool executable = false;

  bool operator==(const SourceContent&) const = default;
};

/// Reads a file from its beginning to its end and hands each piece to `take`, whose error ends it. Errc::bad_input if
/// it cannot be opened or is no longer a regular file, Errc::cancelled on `stop`.
[[nodiscard]] Result<SourceContent> read_source_file(const SourceFile& file, const std::stop_token& stop,
                                                     const std::function<Result<void>(std::string_view)>& take);

}  // namespace midair
