/// @file
/// The two files that settings come from, read into keys, texts and the places where they stand.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "midair/config/fly_toml.h"
#include "midair/error.h"

namespace midair::host {

/// The settings of a midair.yaml: nested keys joined by dots ("hot.timeout"), in order of the file.
using YamlSettings = std::vector<std::pair<std::string, FileValue>>;

/// Errc::bad_input, with file and line, for bad syntax, a duplicate key, and anything but a tree of scalars.
[[nodiscard]] Result<YamlSettings> read_midair_yaml(const std::filesystem::path& path);

/// What both files say.
struct ConfigFiles {
  YamlSettings yaml{};
  FlyToml fly{};
  std::vector<Error> problems{};  ///< why a file was left out
};

/// Reads ./midair.yaml and ./fly.toml, which need not be there. `named` (--config), where given, must be there and
/// takes the place of fly.toml if it ends in .toml, else of midair.yaml.
[[nodiscard]] ConfigFiles read_config_files(const std::optional<std::filesystem::path>& named);

}  // namespace midair::host
