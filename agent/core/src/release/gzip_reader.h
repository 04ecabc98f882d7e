/// @file
/// Reading gzip (RFC 1952) over zlib.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <span>
#include <vector>

#include "midair/error.h"

namespace midair {

/// Unpacks a file that is exactly one gzip member, piece by piece: how much it may become is the caller's to bound. Not
/// thread-safe.
class GzipReader {
 public:
  /// Reads the regular file `fd` with pread from offset 0; `fd` stays the caller's and must outlive this.
  explicit GzipReader(int fd);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `out`, and returns less than its size only at the end of the stream, whose checksum and length have then
  /// been verified. Errc::corrupt: not gzip, damaged, truncated, or followed by something.
  [[nodiscard]] Result<std::size_t> read(std::span<char> out);

 private:
  Result<void> refill();
  Result<void> inflate_some();
  Result<void> check_nothing_follows();

  const int fd_;
  z_stream stream_{};
  std::vector<char> input_;
  std::uint64_t offset_ = 0;  ///< of the next byte to be read from the file
  bool ended_ = false;
};

}  // namespace midair
