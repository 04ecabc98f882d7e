/// @file
/// Getting a release's bytes into the store, once and for ever.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "midair/host/publish/history.h"
#include "midair/store/object_store.h"

namespace midair::host {

/// A packed release on local disk.
struct LocalTarball {
  int fd = -1;  ///< borrowed; read with pread
  std::uint64_t size = 0;
  std::string digest;  ///< SHA-256, 64 hex digits
};

enum class UploadOutcome { uploaded, already_there };

/// What upload_tarball() would do, without doing it. Where an object lies at `key` already, it is downloaded and
/// hashed: what the store really holds is what machines will get. Errc::refused if those are other bytes.
[[nodiscard]] Result<UploadOutcome> probe_tarball(ObjectStore& store, const std::string& key,
                                                  const LocalTarball& tarball, const std::stop_token& stop);

/// Puts the tarball at `key` unless the same bytes are there already. Errc::refused if other bytes are: a version
/// names one set of bytes for ever.
[[nodiscard]] Result<UploadOutcome> upload_tarball(ObjectStore& store, const std::string& key,
                                                   const LocalTarball& tarball, const std::stop_token& stop);

/// Errc::refused if the recent history (or the pointer itself, put first by the caller) gave `version` to other bytes,
/// also where its tarball is gone by now.
[[nodiscard]] Result<void> check_version_is_free(const std::vector<Pointer>& published, const std::string& version,
                                                 const std::string& digest);

}  // namespace midair::host
