/// @file
/// Writing gzip (RFC 1952), on several cores.
#pragma once

#include <cstdint>
#include <deque>
#include <future>
#include <string>
#include <string_view>

#include "midair/digest.h"
#include "midair/error.h"
#include "release/deflate_piece.h"

namespace midair {

/// Packs into one gzip member without name or time: same bytes in, same bytes out, on however many cores. Not
/// thread-safe; up to eight threads of its own pack while the caller goes on.
class GzipWriter {
 public:
  /// Writes to `fd` at its offset; `fd` stays the caller's and must outlive this.
  explicit GzipWriter(int fd) : fd_(fd) {}
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Ends the member. Nothing may be written afterwards.
  [[nodiscard]] Result<void> finish();

  /// Of what was written to the file, valid after finish().
  [[nodiscard]] std::uint64_t packed_size() const { return packed_size_; }
  [[nodiscard]] std::string packed_sha256() { return hash_.finish_hex(); }

 private:
  /// A part of the input, packed by itself.
  struct Block {
    std::string packed;
    std::uint32_t crc32 = 0;  ///< of the input
    std::uint64_t size = 0;   ///< of the input
  };
  static Block pack(const std::string& input, PiecePosition position);
  Result<void> begin_block(PiecePosition position);
  Result<void> end_oldest_block();
  Result<void> put(std::string_view bytes);

  const int fd_;
  std::string input_;  ///< what is not being packed yet
  std::deque<std::future<Block>> underway_;
  std::uint32_t crc32_ = 0;
  std::uint64_t unpacked_size_ = 0;
  std::uint64_t packed_size_ = 0;
  Sha256 hash_;
};

}  // namespace midair
