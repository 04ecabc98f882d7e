/// @file
/// The two files that settings come from, midair.yaml and Fly's, read into keys, texts and the places where they stand.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "midair/config/fly_config.h"
#include "midair/error.h"

namespace midair::host {

/// The settings of a midair.yaml: nested keys joined by dots ("hot.timeout"), in order of the file.
using YamlSettings = std::vector<std::pair<std::string, FileValue>>;

/// Errc::bad_input, with file and line, for bad syntax, a duplicate key, and anything but a tree of scalars.
[[nodiscard]] Result<YamlSettings> read_midair_yaml(const std::filesystem::path& path);

/// What both files say.
struct ConfigFiles {
  YamlSettings yaml{};
  FlyConfig fly{};
  std::vector<Error> problems{};  ///< why a file was left out
};

/// Reads ./midair.yaml and the first of ./fly.toml, ./fly.json and ./fly.yaml, which need not be there. `named`
/// (--config), where given, must be there and takes the place of Fly's if it ends in .toml or .json or is called
/// fly.*.yaml, else that of midair.yaml.
[[nodiscard]] ConfigFiles read_config_files(const std::optional<std::filesystem::path>& named);

}  // namespace midair::host
