#include "release/download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "midair/digest.h"
#include "midair/durable_file.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kMaxEtagBytes = 1024;

fs::path etag_file(const fs::path& part) { return fs::path(part) += ".etag"; }

/// Appends to the end of an open file.
class FileSink final : public ByteSink {
 public:
  FileSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  Result<void> write(std::string_view bytes) override { return write_all(fd_, bytes, name_); }

  Result<void> restart() override {
    if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) return system_error(errno, "write", name_);
    return {};
  }

 private:
  int fd_;
  std::string name_;
};

Result<std::uint64_t> size_of(int fd, const fs::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error(errno, "read", path.string());
  return static_cast<std::uint64_t>(status.st_size);
}

/// The object's version, if it can still be what was promised.
Result<Etag> version_of(ObjectStore& store, const Download& download, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(ObjectInfo info, store.head(download.key, limits));
  if (info.size != download.size)
    return Error{
        Errc::corrupt, "fetch", download.key,
        "the store holds " + std::to_string(info.size) + " bytes, " + std::to_string(download.size) + " were promised",
        "publish the release again"};
  return std::move(info.etag);
}

/// How much of `part` belongs to the version `etag`; the file ends there, and so does its offset.
Result<std::uint64_t> resume_point(int fd, const fs::path& part, const Download& download, const Etag& etag) {
  const auto known = read_file(etag_file(part), kMaxEtagBytes);
  MIDAIR_TRY_ASSIGN(std::uint64_t have, size_of(fd, part));
  if (!known || *known != etag || etag.empty() || have > download.size) {
    FileSink sink(fd, part.string());
    MIDAIR_TRY(sink.restart());
    // Remembered before the first byte of that version arrives, so that no byte is ever taken for another version's.
    MIDAIR_TRY(write_file_durably(etag_file(part), etag));
    have = 0;
  }
  if (::lseek(fd, 0, SEEK_END) < 0) return system_error(errno, "read", part.string());
  return have;
}

Result<void> fetch(ObjectStore& store, const Download& download, const fs::path& part, int fd,
                   const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const Etag etag, version_of(store, download, limits));
  MIDAIR_TRY_ASSIGN(const std::uint64_t have, resume_point(fd, part, download, etag));
  if (have == download.size) return {};
  GetRequest request;
  request.key = download.key;
  request.max_size = download.size;
  if (have > 0) {
    request.offset = have;
    request.if_match = etag;
  }
  FileSink sink(fd, part.string());
  MIDAIR_TRY(store.get(request, sink, limits));
  return {};
}

Result<void> verify(const Download& download, int fd, const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const std::string digest, sha256_of_fd(fd, download.size, download.key, stop));
  if (digest != download.digest)
    return Error{Errc::corrupt, "verify", download.key,
                 "its SHA-256 is " + digest + ", " + download.digest + " was promised", "publish the release again"};
  return {};
}

}  // namespace

Result<Fd> fetch_verified(ObjectStore& store, const Download& download, const fs::path& part,
                          const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(Fd fd, open_file(part, O_RDWR | O_CREAT | O_NOFOLLOW));
  auto done = fetch(store, download, part, fd.get(), limits);
  if (done) done = verify(download, fd.get(), limits.stop);
  if (done) return fd;
  if (done.error().code == Errc::corrupt || done.error().code == Errc::no_space) discard_download(part);
  return std::move(done).error();
}

void discard_download(const fs::path& part) {
  // Best effort: what stays is verified before anybody believes it, and found again by the next try.
  ::unlink(part.c_str());
  ::unlink(etag_file(part).c_str());
}

}  // namespace midair::sidecar
