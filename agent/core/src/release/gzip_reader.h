/// @file
/// Reading gzip (RFC 1952) over zlib.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <vector>

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

}  // namespace midair
