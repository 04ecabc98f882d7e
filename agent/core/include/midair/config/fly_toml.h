/// @file
/// What Midair takes from an app's fly.toml.
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

/// What Midair takes from a fly.toml; everything else in it is Fly's and not looked at.
struct FlyToml {
  std::optional<FileValue> app;
  std::map<std::string, FileValue> env;  ///< `[env]`; numbers and booleans as text, as Fly does it
};

/// Errc::bad_input, with file and line, for bad syntax and an `app` or `[env]` of another type.
[[nodiscard]] Result<FlyToml> read_fly_toml(const std::filesystem::path& path);

}  // namespace midair
