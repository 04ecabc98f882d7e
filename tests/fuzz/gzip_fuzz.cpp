/// @file
/// Any bytes as a gzip file: no more comes out than deflate can hold.
#include "release/gzip_reader.h"

#include <array>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMaxRatio = 1032;  // of deflate: 258 bytes in two bits
  const midair::MemoryFile file(midair::text_of(data, size));
  midair::GzipReader reader(file.fd());
  std::array<char, 4096> buffer;
  for (std::uint64_t unpacked = 0;;) {
    const auto filled = reader.read(buffer);
    if (!filled.ok()) return 0;
    unpacked += *filled;
    midair::require(unpacked <= kMaxRatio * size);
    if (*filled < buffer.size()) return 0;
  }
}
