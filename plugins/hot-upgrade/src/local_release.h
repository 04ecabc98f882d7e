/// @file
/// A directory, packed: the release as it lies on this host before anybody else knows of it.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "midair/error.h"
#include "midair/fd.h"
#include "midair/host/publish/tarball_upload.h"
#include "midair/release/release_archive.h"

namespace midair::host::hot {

/// A tarball without a name: it goes when this goes, also after a crash.
struct LocalRelease {
  PackedRelease packed;
  Fd file;

  [[nodiscard]] const std::string& version() const { return packed.manifest.version; }
  [[nodiscard]] LocalTarball tarball() const { return {file.get(), packed.size, packed.digest}; }
};

/// The version of a release: the one asked for, else `version` in `directory`/midair.json, else `fallback`.
/// Errc::not_found if there is no such directory, Errc::bad_input or Errc::corrupt for an unusable version or manifest.
[[nodiscard]] Result<std::string> choose_version(const std::filesystem::path& directory,
                                                 const std::optional<std::string>& asked, const std::string& fallback);

/// Packs `directory` into an unnamed file in the directory for temporary files ($TMPDIR, else /tmp). `options`
/// and errors: see pack_release().
[[nodiscard]] Result<LocalRelease> pack_locally(const std::filesystem::path& directory, const std::string& app,
                                                const std::string& version, const PackOptions& options,
                                                const std::stop_token& stop);

}  // namespace midair::host::hot
