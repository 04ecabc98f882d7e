/// @file
/// Any text as a manifest: what is accepted has safe, unique names and survives being written and read again.
#include <cstdint>
#include <cstdlib>

#include "midair/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using midair::Manifest;
  const auto manifest = Manifest::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!manifest.ok()) return 0;
  for (std::size_t i = 0; i < manifest->files.size(); ++i)
    if (!midair::check_entry_name(manifest->files[i].path).ok() ||
        (i > 0 && manifest->files[i - 1].path >= manifest->files[i].path))
      std::abort();
  const auto again = Manifest::parse(manifest->to_json(), "fuzz");
  if (!again.ok() || again->to_json() != manifest->to_json()) std::abort();
  return 0;
}
