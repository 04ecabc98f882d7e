/// @file
/// The two files that settings come from, read into keys, texts and the places where they stand.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "midair/error.h"

namespace midair {

/// One value of a file.
struct FileValue {
  std::string text;
  std::string origin;  ///< "midair.yaml:3", "fly.toml:7 [env] AWS_REGION"
};

/// The settings of a midair.yaml: nested keys joined by dots ("hot.timeout"), in order of the file.
using YamlSettings = std::vector<std::pair<std::string, FileValue>>;

/// Errc::bad_input, with file and line, for bad syntax, a duplicate key, and anything but a tree of scalars.
[[nodiscard]] Result<YamlSettings> read_midair_yaml(const std::filesystem::path& path);

/// What Midair takes from a fly.toml; everything else in it is Fly's and not looked at.
struct FlyToml {
  std::optional<FileValue> app;
  std::map<std::string, FileValue> env;  ///< `[env]`; numbers and booleans as text, as Fly does it
};

/// Errc::bad_input, with file and line, for bad syntax and an `app` or `[env]` of another type.
[[nodiscard]] Result<FlyToml> read_fly_toml(const std::filesystem::path& path);

/// What both files say.
struct ConfigFiles {
  YamlSettings yaml{};
  FlyToml fly{};
  std::vector<Error> problems{};  ///< why a file was left out
};

/// Reads ./midair.yaml and ./fly.toml, which need not be there. `named` (--config), where given, must be there and
/// takes the place of fly.toml if it ends in .toml, else of midair.yaml.
[[nodiscard]] ConfigFiles read_config_files(const std::optional<std::filesystem::path>& named);

}  // namespace midair
