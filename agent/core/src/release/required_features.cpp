#include "release/required_features.h"

#include <algorithm>
#include <string_view>

#include "midair/release/features.h"
#include "release/entry_names.h"
#include "release/ustar.h"

namespace midair {

namespace {

bool fit_ustar(const Manifest& manifest) {
  const auto fits = [](const std::string& name, TarKind kind, const std::string& target = {}) {
    return fits_ustar({.name = name, .kind = kind, .target = target});
  };
  return std::ranges::all_of(manifest.files, [&](const auto& file) { return fits(file.path, TarKind::file); }) &&
         std::ranges::all_of(manifest.directories,
                             [&](const auto& directory) { return fits(directory.path, TarKind::directory); }) &&
         std::ranges::all_of(manifest.links,
                             [&](const auto& link) { return fits(link.path, TarKind::link, link.target); });
}

bool has_restricted(const Manifest& manifest) {
  const auto is_restricted = [](const auto& entry) { return entry.access != Access::all; };
  return std::ranges::any_of(manifest.files, is_restricted) || std::ranges::any_of(manifest.directories, is_restricted);
}

bool keeps_mtimes(const Manifest& manifest) {
  return std::ranges::any_of(manifest.files, [](const ManifestFile& file) { return file.mtime.has_value(); });
}

}  // namespace

std::vector<std::string> features_needed_by(const Manifest& manifest) {
  std::vector<std::string> features;
  const auto need_if = [&features](bool needed, std::string_view feature) {
    if (needed) features.emplace_back(feature);
  };
  need_if(!manifest.directories.empty(), kFeatureDirectories);
  need_if(!manifest.links.empty(), kFeatureLinks);
  need_if(!fit_ustar(manifest), kFeatureLongNames);
  need_if(has_restricted(manifest), kFeatureModes);
  need_if(keeps_mtimes(manifest), kFeatureMtimes);
  need_if(!are_plain_names(manifest), kFeatureNames);
  need_if(!manifest.writable.empty(), kFeatureWritable);
  return features;
}

}  // namespace midair
