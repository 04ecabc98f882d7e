#include "midair/host/publish/tarball_upload.h"

#include <unistd.h>

#include <cerrno>

#include "midair/digest.h"

namespace midair::host {

namespace {

constexpr int kMaxAttempts = 3;

class FdSource final : public ByteSource {
 public:
  explicit FdSource(const LocalTarball& tarball) : tarball_(tarball) {}
  [[nodiscard]] std::uint64_t size() const override { return tarball_.size; }
  Result<std::size_t> read(char* buffer, std::size_t capacity) override {
    while (true) {
      const auto count = ::pread(tarball_.fd, buffer, capacity, static_cast<off_t>(offset_));
      if (count >= 0) {
        offset_ += static_cast<std::uint64_t>(count);
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) return system_error(errno, "read", "the packed release");
    }
  }
  Result<void> seek(std::uint64_t offset) override {
    offset_ = offset;
    return {};
  }

 private:
  const LocalTarball& tarball_;
  std::uint64_t offset_ = 0;
};

class HashingSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    hash_.update(bytes);
    return {};
  }
  Result<void> restart() override {
    hash_ = {};
    return {};
  }
  std::string digest() { return hash_.finish_hex(); }

 private:
  Sha256 hash_;
};

Error taken(const std::string& subject, const std::string& theirs, const std::string& ours) {
  return {Errc::refused, "publish", subject,
          "that version names other bytes already (" + theirs + ", this release has " + ours + ")",
          "another --version; a version names one set of bytes for ever"};
}

Error taken_by_digest(const std::string& subject, const std::string& theirs, const std::string& ours) {
  return taken(subject, "sha256 " + theirs.substr(0, 12), ours.substr(0, 12));
}

Result<std::string> stored_digest(ObjectStore& store, const std::string& key, std::uint64_t size,
                                  const std::stop_token& stop) {
  HashingSink sink;
  GetRequest request{key};
  request.max_size = size;
  MIDAIR_TRY(store.get(request, sink, transfer_limits(size, stop)));
  return sink.digest();
}

}  // namespace

Result<UploadOutcome> probe_tarball(ObjectStore& store, const std::string& key, const LocalTarball& tarball,
                                    const std::stop_token& stop) {
  const auto there = store.head(key, {.stop = stop});
  if (!there.ok()) {
    if (there.error().code == Errc::not_found) return UploadOutcome::uploaded;
    return there.error();
  }
  if (there->size != tarball.size)
    return taken(key, std::to_string(there->size) + " bytes", std::to_string(tarball.size));
  MIDAIR_TRY_ASSIGN(const auto digest, stored_digest(store, key, tarball.size, stop));
  if (digest != tarball.digest) return taken_by_digest(key, digest, tarball.digest);
  return UploadOutcome::already_there;
}

Result<UploadOutcome> upload_tarball(ObjectStore& store, const std::string& key, const LocalTarball& tarball,
                                     const std::stop_token& stop) {
  Error lost;
  for (int attempt = 0;; ++attempt) {
    MIDAIR_TRY_ASSIGN(const auto found, probe_tarball(store, key, tarball, stop));
    // After an attempt: somebody else was quicker, or the answer to our own upload was lost.
    if (found == UploadOutcome::already_there) return attempt == 0 ? found : UploadOutcome::uploaded;
    if (attempt == kMaxAttempts) break;
    FdSource source(tarball);
    const auto put = store.put(key, source, PutCondition::if_absent(), transfer_limits(tarball.size, stop));
    if (put.ok()) return UploadOutcome::uploaded;
    if (put.error().code != Errc::precondition) return put.error();
    lost = put.error();
  }
  return Error{Errc::unavailable, "store", key,
               "it is not there after " + std::to_string(kMaxAttempts) + " attempts: " + lost.cause};
}

Result<void> check_version_is_free(const std::vector<Pointer>& published, const std::string& version,
                                   const std::string& digest) {
  for (const auto& pointer : published) {
    const auto& upgrade = pointer.hot_upgrade();
    if (upgrade && upgrade->version == version && !upgrade->digest.empty() && upgrade->digest != digest)
      return taken_by_digest("version " + version, upgrade->digest, digest);
  }
  return {};
}

}  // namespace midair::host
