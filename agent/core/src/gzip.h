/// @file
/// gzip (RFC 1952) over zlib, as streams between a file descriptor and blocks of memory.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "midair/digest.h"
#include "midair/error.h"

namespace midair {

/// A bound on the ratio of unpacked to packed bytes is not applied to less than this.
inline constexpr std::uint64_t kRatioFreeBytes = 16ULL << 20;

/// Unpacks a file that is exactly one gzip member. Not thread-safe.
class GzipReader {
 public:
  /// Reads the regular file `fd` with pread from offset 0; `fd` stays the caller's and must outlive this.
  GzipReader(int fd, std::uint64_t max_ratio);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `out`, and returns less than its size only at the end of the stream, whose checksum and length have then
  /// been verified. Errc::corrupt: not gzip, damaged, truncated, or followed by something. Errc::refused: it unpacks to
  /// more than `max_ratio` times its size.
  [[nodiscard]] Result<std::size_t> read(std::span<char> out);

 private:
  Result<void> refill();
  Result<void> inflate_some();
  Result<void> check_nothing_follows();

  const int fd_;
  const std::uint64_t max_ratio_;
  std::uint64_t max_unpacked_ = kRatioFreeBytes;
  std::uint64_t unpacked_ = 0;
  z_stream stream_{};
  std::vector<char> input_;
  std::uint64_t offset_ = 0;  ///< of the next byte to be read from the file
  bool ended_ = false;
};

/// Packs into one gzip member without name or time: same bytes in, same bytes out. Not thread-safe.
class GzipWriter {
 public:
  /// Writes to `fd` at its offset; `fd` stays the caller's and must outlive this.
  explicit GzipWriter(int fd);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Ends the member. Nothing may be written afterwards.
  [[nodiscard]] Result<void> finish();

  /// Of what was written to the file, valid after finish().
  [[nodiscard]] std::uint64_t packed_size() const { return packed_size_; }
  [[nodiscard]] std::string packed_sha256() { return hash_.finish_hex(); }

 private:
  Result<void> deflate_input(int flush);

  const int fd_;
  z_stream stream_{};
  std::vector<char> output_;
  std::uint64_t packed_size_ = 0;
  Sha256 hash_;
};

}  // namespace midair
