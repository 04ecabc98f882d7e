/// @file
/// Any bytes as a gzip file: what comes out keeps to the limits.
#include "release/gzip_reader.h"

#include <algorithm>
#include <array>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kMaxRatio = 200;
  const midair::MemoryFile file(midair::text_of(data, size));
  midair::GzipReader reader(file.fd(), kMaxRatio);
  std::array<char, 4096> buffer;
  for (std::uint64_t unpacked = 0;;) {
    const auto filled = reader.read(buffer);
    if (!filled.ok()) return 0;
    unpacked += *filled;
    midair::require(unpacked <= std::max<std::uint64_t>(midair::kRatioFreeBytes, kMaxRatio * size));
    if (*filled < buffer.size()) return 0;
  }
}
