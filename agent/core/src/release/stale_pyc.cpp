#include "release/stale_pyc.h"

#include <algorithm>

#include "midair/release/release_archive.h"

namespace midair {

namespace {

constexpr std::string_view kCache = "__pycache__";

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

/// "a/x.py" of "a/__pycache__/x.cpython-311.pyc" and of "a/x.pyc".
std::string source_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::string_view directory = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  const std::string_view name = path.substr(slash + 1);
  if (directory == kCache)
    directory = {};
  else if (directory.ends_with("/" + std::string(kCache)))
    directory.remove_suffix(kCache.size() + 1);
  return std::string(directory) + (directory.empty() ? "" : "/") + std::string(name.substr(0, name.find('.'))) + ".py";
}

}  // namespace

void StalePyc::look_at(const std::string& path, std::string_view beginning) {
  if (!path.ends_with(".pyc") || beginning.size() < kHeaderBytes) return;
  const bool by_time = little_endian(beginning.substr(4)) == 0;  // flags: by hash otherwise
  if (by_time) tied_.push_back({source_of(path), little_endian(beginning.substr(8))});
}

std::string StalePyc::notice(const Manifest& manifest) const {
  const auto is_stale = [&manifest](const Tied& tied) {
    const auto source = std::ranges::lower_bound(manifest.files, tied.source, {}, &ManifestFile::path);
    if (source == manifest.files.end() || source->path != tied.source) return false;  // then no time is asked for
    return static_cast<std::uint32_t>(source->mtime.value_or(kReleaseTime)) != tied.time;
  };
  const auto count = std::ranges::count_if(tied_, is_stale);
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " .pyc file is" : " .pyc files are") +
         " for sources of another time, so each start will compile these anew: python3 -m compileall "
         "--invalidation-mode checked-hash makes them good for any, --keep-mtimes keeps the times of the sources";
}

}  // namespace midair
