/// @file
/// Any text as a manifest: what is accepted has safe, unique names and survives being written and read again.
#include "midair/release/manifest.h"

#include "fuzz.h"
#include "midair/release/features.h"
#include "release/entry_links.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const auto manifest = Manifest::parse(text_of(data, size), "fuzz");
  require_round_trip(manifest, kMaxManifestBytes);
  if (!manifest.ok()) return 0;
  for (std::size_t i = 0; i < manifest->files.size(); ++i) {
    require(check_entry_name(manifest->files[i].path).ok());
    require(i == 0 || manifest->files[i - 1].path < manifest->files[i].path);
  }
  for (const ManifestDirectory& directory : manifest->directories) require(check_entry_name(directory.path).ok());
  for (const ManifestLink& link : manifest->links)
    require(check_entry_name(link.path).ok() && find_link_problem(*manifest, link).empty());
  require(missing_features(manifest->required_features, known_features()).empty());
  return 0;
}
