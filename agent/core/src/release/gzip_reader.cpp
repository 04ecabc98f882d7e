#include "release/gzip_reader.h"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

namespace midair {

namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;
/// zlib's way to ask for a gzip wrapper around the largest window.
constexpr int kGzipWindowBits = 15 + 16;

const std::string kSubject = "the tarball";

Error corrupt(const std::string& cause) { return {Errc::corrupt, "unpack", kSubject, cause}; }

Bytef* bytes(char* data) { return reinterpret_cast<Bytef*>(data); }

}  // namespace

GzipReader::GzipReader(int fd) : fd_(fd), input_(kBufferBytes) {
  if (inflateInit2(&stream_, kGzipWindowBits) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(&stream_); }

Result<std::size_t> GzipReader::read(std::span<char> out) {
  stream_.next_out = bytes(out.data());
  stream_.avail_out = static_cast<uInt>(out.size());
  while (stream_.avail_out > 0 && !ended_) {
    if (stream_.avail_in == 0) MIDAIR_TRY(refill());
    MIDAIR_TRY(inflate_some());
  }
  return out.size() - stream_.avail_out;
}

Result<void> GzipReader::refill() {
  ssize_t n = 0;
  do {
    n = ::pread(fd_, input_.data(), input_.size(), static_cast<off_t>(offset_));
  } while (n < 0 && errno == EINTR);
  if (n < 0) return system_error(errno, "read", kSubject);
  if (n == 0) return corrupt(offset_ == 0 ? "it is empty" : "it is truncated");
  offset_ += static_cast<std::uint64_t>(n);
  stream_.next_in = bytes(input_.data());
  stream_.avail_in = static_cast<uInt>(n);
  return {};
}

Result<void> GzipReader::inflate_some() {
  switch (::inflate(&stream_, Z_NO_FLUSH)) {
    case Z_OK: return {};
    case Z_STREAM_END: ended_ = true; return check_nothing_follows();
    case Z_MEM_ERROR: throw std::bad_alloc();
    default: return corrupt(std::string("it is not valid gzip (") + (stream_.msg ? stream_.msg : "no progress") + ")");
  }
}

/// Other readers would take a second member for more of the archive, and anything else is no part of it.
Result<void> GzipReader::check_nothing_follows() {
  if (stream_.avail_in == 0) {
    const auto more = refill();
    if (!more && more.error().code == Errc::corrupt) return {};
    MIDAIR_TRY(more);
  }
  const bool is_gzip = stream_.avail_in >= 2 && stream_.next_in[0] == 0x1F && stream_.next_in[1] == 0x8B;
  return corrupt(is_gzip ? "it has a second gzip member" : "bytes follow its end");
}

}  // namespace midair
