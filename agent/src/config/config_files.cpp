#include "config/config_files.h"

namespace midair::host {

namespace {

/// Moves what was read into `target`, or notes why not. A file that nobody named need not be there.
template <class T>
void take(Result<T> read, bool named, T& target, std::vector<Error>& problems) {
  if (read.ok()) {
    target = std::move(read).value();
  } else if (named || read.error().code != Errc::not_found) {
    problems.push_back(std::move(read).error());
  }
}

bool is_fly_config(const std::filesystem::path& path) {
  const auto extension = path.extension();
  return extension == ".toml" || extension == ".json" || path.filename().string().starts_with("fly.");
}

/// Of the names that flyctl looks for, in its order.
Result<FlyConfig> read_standard_fly_config() {
  auto read = read_fly_config("fly.toml");
  for (const char* name : {"fly.json", "fly.yaml"})
    if (!read.ok() && read.error().code == Errc::not_found) read = read_fly_config(name);
  return read;
}

}  // namespace

ConfigFiles read_config_files(const std::optional<std::filesystem::path>& named) {
  const bool names_fly = named && is_fly_config(*named);
  const bool names_yaml = named && !names_fly;
  ConfigFiles files;
  take(read_midair_yaml(names_yaml ? *named : "midair.yaml"), names_yaml, files.yaml, files.problems);
  take(names_fly ? read_fly_config(*named) : read_standard_fly_config(), names_fly, files.fly, files.problems);
  return files;
}

}  // namespace midair::host
