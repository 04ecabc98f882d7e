/// @file
/// Any bytes as an archive within gzip: what comes through has safe names and the sizes that were announced.
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "gzip.h"
#include "midair/durable_file.h"
#include "midair/manifest.h"
#include "tar.h"

namespace midair {

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Packs the bytes itself: no fuzzer guesses a checksum of gzip.
Fd gzip_file(std::string_view archive) {
  Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  GzipWriter writer(fd.get());
  require(writer.write(archive).ok() && writer.finish().ok());
  return fd;
}

void read_all_entries(const Fd& fd) {
  TarReader reader(fd.get(), 1000);
  for (auto entry = reader.next(); entry.ok() && entry->has_value(); entry = reader.next()) {
    const TarEntry& header = **entry;
    require(check_entry_name(header.name).ok() && !(header.is_directory && header.size > 0));
    std::uint64_t size = 0;
    auto piece = reader.read();
    for (; piece.ok() && !piece->empty(); piece = reader.read()) size += piece->size();
    require(!piece.ok() || size == header.size);
  }
}

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  midair::read_all_entries(midair::gzip_file({reinterpret_cast<const char*>(data), size}));
  return 0;
}
