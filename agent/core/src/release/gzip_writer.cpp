#include "release/gzip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "midair/durable_file.h"

namespace midair {

namespace {

/// What is packed by one thread. As no block knows the one before it, 32 KiB of each can refer to less than they might:
/// that costs 0.3 % of the size.
constexpr std::size_t kBlockBytes = 1024 * 1024;
/// Blocks underway at once: two for each core, so that none waits for the caller; each takes about three megabytes.
constexpr unsigned kBlocksPerCore = 2, kMaxBlocks = 8;

/// Deflate, no flags, no time, no extra flags, Unix.
constexpr std::string_view kHeader("\x1F\x8B\x08\0\0\0\0\0\0\x03", 10);

const Bytef* bytes(const char* data) { return reinterpret_cast<const Bytef*>(data); }

/// The last four bytes of `number`, lowest first.
std::string little_endian(std::uint64_t number) {
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(number >> shift & 0xFF);
  return text;
}

std::size_t max_underway() { return std::clamp(kBlocksPerCore * std::thread::hardware_concurrency(), 1U, kMaxBlocks); }

}  // namespace

Result<void> GzipWriter::write(std::string_view data) {
  while (!data.empty()) {
    const std::size_t taken = std::min(data.size(), kBlockBytes - input_.size());
    input_.append(data, 0, taken);
    data.remove_prefix(taken);
    if (input_.size() == kBlockBytes) MIDAIR_TRY(begin_block(PiecePosition::inside));
  }
  return {};
}

Result<void> GzipWriter::finish() {
  MIDAIR_TRY(begin_block(PiecePosition::last));
  while (!underway_.empty()) MIDAIR_TRY(end_oldest_block());
  return put(little_endian(crc32_) + little_endian(unpacked_size_));
}

Result<void> GzipWriter::begin_block(PiecePosition position) {
  if (underway_.size() == max_underway()) MIDAIR_TRY(end_oldest_block());
  // The caller waits for the last one anyway; small archives need no thread at all.
  const auto where = position == PiecePosition::last ? std::launch::deferred : std::launch::async;
  underway_.push_back(std::async(where, [input = std::move(input_), position] { return pack(input, position); }));
  input_.clear();
  return {};
}

GzipWriter::Block GzipWriter::pack(const std::string& input, PiecePosition position) {
  return {.packed = deflate_piece(input, position),
          .crc32 = static_cast<std::uint32_t>(crc32_z(0, bytes(input.data()), input.size())),
          .size = input.size()};
}

Result<void> GzipWriter::end_oldest_block() {
  const Block block = underway_.front().get();
  underway_.pop_front();
  if (packed_size_ == 0) MIDAIR_TRY(put(kHeader));
  crc32_ = static_cast<std::uint32_t>(crc32_combine(crc32_, block.crc32, static_cast<z_off_t>(block.size)));
  unpacked_size_ += block.size;
  return put(block.packed);
}

Result<void> GzipWriter::put(std::string_view packed) {
  MIDAIR_TRY(write_all(fd_, packed, "the tarball"));
  hash_.update(packed);
  packed_size_ += packed.size();
  return {};
}

}  // namespace midair
