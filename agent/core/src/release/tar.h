/// @file
/// A tar archive inside a gzip file, read and written as a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "midair/error.h"
#include "release/gzip_reader.h"
#include "release/gzip_writer.h"
#include "release/ustar.h"

namespace midair {

/// Reads entry after entry: next(), then read() until it gives nothing. A pax header is a part of the entry after it.
/// Not thread-safe.
class TarReader {
 public:
  /// See GzipReader.
  explicit TarReader(int fd);

  /// The next entry; nothing at the end of the archive, after which nothing but zeros was found and gzip's checksum
  /// was right. What was not read of the entry before is skipped. Errors of decode_ustar() and GzipReader;
  /// Errc::corrupt if the archive ends without two blocks of zeros, or has something after them.
  [[nodiscard]] Result<std::optional<TarEntry>> next();

  /// The next piece of the entry's content, valid until the next call; empty at its end.
  [[nodiscard]] Result<std::string_view> read();

 private:
  Result<PaxRecords> read_pax(std::uint64_t size);
  Result<void> fill(std::span<char> out);
  Result<void> check_end();

  GzipReader gzip_;
  std::vector<char> buffer_;
  std::uint64_t content_left_ = 0;  ///< bytes of the entry
};

/// Writes entry after entry: add(), then write() its whole content. Not thread-safe.
class TarWriter {
 public:
  /// See GzipWriter.
  explicit TarWriter(int fd) : gzip_(fd) {}

  /// Begins an entry, with a pax header where ustar has no room. The content of the one before must be complete.
  [[nodiscard]] Result<void> add(const TarEntry& entry);
  /// A piece of the content; Errc::bug if it is more than the entry's size.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Ends the archive.
  [[nodiscard]] Result<void> finish();

  /// Of everything, uncompressed.
  [[nodiscard]] std::uint64_t unpacked_size() const { return unpacked_size_; }
  [[nodiscard]] GzipWriter& gzip() { return gzip_; }

 private:
  Result<void> add_pax(const TarEntry& entry);
  Result<void> put(std::string_view bytes);

  GzipWriter gzip_;
  std::uint64_t content_left_ = 0;  ///< bytes of the entry
  std::uint64_t unpacked_size_ = 0;
};

}  // namespace midair
