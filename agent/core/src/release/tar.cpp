#include "release/tar.h"

#include <algorithm>

namespace midair {

namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;
static_assert(kBufferBytes % kTarBlockBytes == 0, "padding is read together with the content before it");

/// Archives are padded to whole records, 10 KiB by default; nobody needs more than this.
constexpr std::uint64_t kMaxEndPadding = 1 << 20;

Error corrupt(const std::string& cause) { return {Errc::corrupt, "unpack", "the tarball", cause}; }

std::size_t padding_after(std::uint64_t size) { return (kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes; }

bool is_zero(std::span<const char> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace

TarReader::TarReader(int fd) : gzip_(fd), buffer_(kBufferBytes) {}

Result<std::optional<TarEntry>> TarReader::next() {
  while (content_left_ > 0) MIDAIR_TRY(read());
  TarBlock block;
  MIDAIR_TRY(fill(block));
  if (is_zero(block)) {
    MIDAIR_TRY(check_end());
    return std::optional<TarEntry>();
  }
  MIDAIR_TRY_ASSIGN(const auto pax_size, decode_pax_block(block));
  PaxRecords pax;
  if (pax_size) {
    MIDAIR_TRY_ASSIGN(pax, read_pax(*pax_size));
    MIDAIR_TRY(fill(block));
  }
  MIDAIR_TRY_ASSIGN(TarEntry entry, decode_ustar(block, pax));
  content_left_ = entry.size;
  return std::optional(std::move(entry));
}

Result<std::string_view> TarReader::read() {
  const std::size_t size = std::min<std::uint64_t>(content_left_, kBufferBytes);
  const std::size_t padding = padding_after(size);  // only the last piece has any
  MIDAIR_TRY(fill({buffer_.data(), size + padding}));
  content_left_ -= size;
  if (!is_zero({buffer_.data() + size, padding})) return corrupt("the padding after an entry is not zero");
  return std::string_view(buffer_.data(), size);
}

Result<PaxRecords> TarReader::read_pax(std::uint64_t size) {
  content_left_ = size;
  std::string content;
  while (content_left_ > 0) {
    MIDAIR_TRY_ASSIGN(const std::string_view piece, read());
    content += piece;
  }
  return decode_pax(content);
}

Result<void> TarReader::fill(std::span<char> out) {
  MIDAIR_TRY_ASSIGN(const std::size_t filled, gzip_.read(out));
  if (filled < out.size()) return corrupt("the archive in it is truncated");
  return {};
}

Result<void> TarReader::check_end() {
  TarBlock second;
  MIDAIR_TRY(fill(second));
  if (!is_zero(second)) return corrupt("the archive in it ends with one block of zeros instead of two");
  for (std::uint64_t padding = 0; padding <= kMaxEndPadding;) {
    MIDAIR_TRY_ASSIGN(const std::size_t filled, gzip_.read(buffer_));
    if (!is_zero({buffer_.data(), filled})) return corrupt("something follows the end of the archive in it");
    if (filled < buffer_.size()) return {};
    padding += filled;
  }
  return corrupt("more than 1 MiB of zeros follows the end of the archive in it");
}

Result<void> TarWriter::add(const TarEntry& entry) {
  if (content_left_ != 0) return Error{Errc::bug, "pack", entry.name, "the entry before it is incomplete"};
  MIDAIR_TRY_ASSIGN(const TarBlock header, encode_ustar(entry));
  if (!fits_ustar(entry)) MIDAIR_TRY(add_pax(entry));
  content_left_ = entry.size;
  return put({header.data(), header.size()});
}

Result<void> TarWriter::add_pax(const TarEntry& entry) {
  const bool is_link = entry.kind == TarKind::link;
  const std::string name = entry.kind == TarKind::directory ? entry.name + "/" : entry.name;
  const std::string content = encode_pax({name, is_link ? std::optional(entry.target) : std::nullopt});
  const TarBlock header = encode_pax_block(content.size());
  MIDAIR_TRY(put({header.data(), header.size()}));
  content_left_ = content.size();
  return write(content);
}

Result<void> TarWriter::write(std::string_view bytes) {
  if (bytes.size() > content_left_) return Error{Errc::bug, "pack", "the tarball", "an entry got too many bytes"};
  content_left_ -= bytes.size();
  MIDAIR_TRY(put(bytes));
  if (content_left_ > 0) return {};
  const TarBlock zeros{};
  return put({zeros.data(), padding_after(unpacked_size_)});
}

Result<void> TarWriter::finish() {
  const std::array<char, 2 * kTarBlockBytes> zeros{};
  MIDAIR_TRY(put({zeros.data(), zeros.size()}));
  return gzip_.finish();
}

Result<void> TarWriter::put(std::string_view bytes) {
  unpacked_size_ += bytes.size();
  return gzip_.write(bytes);
}

}  // namespace midair
