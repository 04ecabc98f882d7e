/// @file
/// The "modules" of a manifest.
#pragma once

#include <string>
#include <vector>

#include "midair/json/json.h"
#include "midair/release/manifest.h"

namespace midair {

/// Reads "modules"; what is wrong with it is told to the reader.
[[nodiscard]] std::vector<ManifestModule> read_modules(JsonReader& reader, const std::string& subject);
[[nodiscard]] Poco::JSON::Array::Ptr modules_to_json(const std::vector<ManifestModule>& modules);
/// Errc::refused unless they suit the strategy and the files.
[[nodiscard]] Result<void> check_modules(const Manifest& manifest, const std::string& subject);

}  // namespace midair
