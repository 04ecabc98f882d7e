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

}  // namespace

ConfigFiles read_config_files(const std::optional<std::filesystem::path>& named) {
  const bool names_toml = named && named->extension() == ".toml";
  const bool names_yaml = named && !names_toml;
  ConfigFiles files;
  take(read_midair_yaml(names_yaml ? *named : "midair.yaml"), names_yaml, files.yaml, files.problems);
  take(read_fly_toml(names_toml ? *named : "fly.toml"), names_toml, files.fly, files.problems);
  return files;
}

}  // namespace midair::host
