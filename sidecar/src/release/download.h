/// @file
/// Fetching one object into a file, across interruptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "midair/error.h"
#include "midair/fd.h"
#include "midair/store/object_store.h"

namespace midair::sidecar {

/// What is downloaded, and what it must turn out to be.
struct Download {
  std::string key;
  std::string digest;      ///< SHA-256, 64 hex digits
  std::uint64_t size = 0;  ///< bytes
};

/// Fetches `download` into `part` (0600) and returns it open for reading, its length and digest verified on that very
/// descriptor. An earlier call that was cut is resumed: `part` keeps its bytes, `part` + ".etag" the version that they
/// belong to.
///
/// Errc::corrupt if the bytes are not what was promised; then, and when the disk is full, both files are removed. On
/// other errors they stay for the next try.
[[nodiscard]] Result<Fd> fetch_verified(ObjectStore& store, const Download& download, const std::filesystem::path& part,
                                        const CallLimits& limits);

/// Removes `part` and what belongs to it.
void discard_download(const std::filesystem::path& part);

}  // namespace midair::sidecar
