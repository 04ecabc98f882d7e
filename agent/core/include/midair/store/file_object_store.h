/// @file
/// An object store in a directory: the embedded default, shared by the processes of one host.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "midair/store/object_store.h"

namespace midair {

/// What opening a store does about a directory that isn't there.
enum class IfMissing { create, refuse };

/// Keys are files below a directory; any number of processes and threads may use it at once.
///
/// *Writing.* A body goes to a temporary file in `.midair/` (which listings omit and keys may not name), is flushed and
/// renamed into place, so that a reader sees the old object or the new one. Conditions are checked and renames made
/// under an flock(2) of `.midair/lock`; the kernel frees it when its holder dies, and the next writer removes what a
/// dead one left behind. Directories get mode 0700, files 0600; directories that become empty are removed.
///
/// *Versions.* An ETag is made of modification time, inode and size. Every write gets a later time, to the nanosecond,
/// than the write before it (the lock file carries the last one), so that equal ETags mean equal bytes, although
/// kernels stamp whole ticks and reuse inodes. Comparing them needs no look at the bytes.
///
/// *Differences from S3.* "a" and "a/b" can't both be objects (Errc::bad_input), nor can a segment be longer than 255
/// bytes. Symbolic links below the directory are never followed: they and what is behind them do not exist.
class FileObjectStore final : public ObjectStore {
 public:
  /// `directory` must be absolute. If it isn't there, it is created (mode 0700), or that is Errc::unavailable, as
  /// `if_missing` says. If it disappears later, calls end with Errc::unavailable until it is back.
  static Result<std::unique_ptr<FileObjectStore>> open(const std::filesystem::path& directory,
                                                       IfMissing if_missing = IfMissing::create);

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override;
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override;
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override;
  Result<void> remove(const std::string& key, const CallLimits& limits, const Etag& if_match = {}) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const CallLimits& limits) override;
  [[nodiscard]] std::string url_of(const std::string& key) const override;
  [[nodiscard]] std::optional<std::string> key_of(std::string_view url) const override;
  [[nodiscard]] std::string name() const override { return "file://" + directory_; }

 private:
  explicit FileObjectStore(std::string directory) : directory_(std::move(directory)) {}

  const std::string directory_;  ///< absolute, normal, without a slash at the end
};

}  // namespace midair
