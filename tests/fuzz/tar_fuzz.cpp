/// @file
/// Any bytes as an archive within gzip: what comes through has safe names and the sizes that were announced.
#include "release/tar.h"

#include "midair/release/manifest.h"
#include "tar_input.h"

namespace midair {

namespace {

void read_all_entries(std::string_view archive) {
  const MemoryFile file = gzip_file(archive);
  TarReader reader(file.fd());
  for (auto entry = reader.next(); entry.ok() && entry->has_value(); entry = reader.next()) {
    const TarEntry& header = **entry;
    require(check_entry_name(header.name).ok() && (header.kind == TarKind::file || header.size == 0));
    require((header.kind == TarKind::link) == !header.target.empty());
    std::uint64_t size = 0;
    auto piece = reader.read();
    for (; piece.ok() && !piece->empty(); piece = reader.read()) size += piece->size();
    require(!piece.ok() || size == header.size);
  }
}

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string_view archive = text_of(data, size);
  const std::string repaired = with_checksums(archive);
  read_all_entries(repaired);
  if (repaired != archive) read_all_entries(archive);
  return 0;
}
