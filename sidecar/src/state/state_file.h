/// @file
/// What the files of the state directory have in common: one JSON object with a format number, written durably.
#pragma once

#include <Poco/JSON/Object.h>

#include <filesystem>
#include <optional>

#include "midair/error.h"
#include "midair/json/json.h"
#include "midair/release/release_name.h"

namespace midair::sidecar {

/// Nothing if the file isn't there. Errc::corrupt if it is no JSON object or has no format, Errc::refused if its format
/// is newer than ours.
[[nodiscard]] Result<std::optional<Poco::JSON::Object::Ptr>> read_state_file(const std::filesystem::path& path);

/// Adds the format and replaces the file durably.
[[nodiscard]] Result<void> write_state_file(const std::filesystem::path& path, Poco::JSON::Object& object);

/// The fields that name a release; all of them must be there, and the digest a SHA-256.
[[nodiscard]] ReleaseName read_release_name(JsonReader& reader);

/// Adds what read_release_name() reads.
void set_release_name(Poco::JSON::Object& object, const ReleaseName& name);

}  // namespace midair::sidecar
