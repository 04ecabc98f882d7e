/// @file
/// Any bytes as a gzip file.
#include <sys/mman.h>

#include <array>
#include <cstdint>

#include "gzip.h"
#include "midair/durable_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const midair::Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  if (!midair::write_all(fd.get(), {reinterpret_cast<const char*>(data), size}, "fuzz")) return 0;
  midair::GzipReader reader(fd.get(), 200);
  std::array<char, 4096> buffer;
  for (;;) {
    const auto filled = reader.read(buffer);
    if (!filled.ok() || *filled < buffer.size()) return 0;
  }
}
