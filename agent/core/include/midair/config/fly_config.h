/// @file
/// What Midair takes from an app's fly.toml, fly.json or fly.yaml.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "midair/error.h"

namespace midair {

/// One value of a file.
struct FileValue {
  std::string text;
  std::string origin;  ///< "midair.yaml:3", "fly.toml:7 [env] AWS_REGION"
};

/// What Midair takes from Fly's configuration; everything else in it is not looked at, whatever it is. An empty value
/// is as good as none, as it is in the environment.
struct FlyConfig {
  std::optional<FileValue> app;  ///< nothing too where it is no text: flyctl then takes that of -a
  /// `[env]`, or the tables of `[[env]]` one over the other. Values are what flyctl makes of them: numbers as Go prints
  /// them, a list as "[a b]".
  std::map<std::string, FileValue> env;
};

/// By the file's name JSON (.json), YAML (.yaml, .yml) or else TOML, as flyctl takes it. Errc::bad_input, with file and
/// line, for bad syntax, for an `env` that is neither a table nor a list of tables, and for what is no file;
/// Errc::not_found.
[[nodiscard]] Result<FlyConfig> read_fly_config(const std::filesystem::path& path);

}  // namespace midair
