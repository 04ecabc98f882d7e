/// @file
/// Tigris, Fly.io's object store, answers under two names: what lies under one lies under the other.
#pragma once

#include <string>
#include <string_view>

namespace midair {

/// The endpoint where none is set: the name that Fly's documentation calls canonical.
inline constexpr const char* kDefaultS3Endpoint = "https://t3.storage.dev";

/// True if both name the same server: equal, or both a name of Tigris. In lower case, without a bucket in front.
[[nodiscard]] bool is_same_s3_host(std::string_view one, std::string_view other);

/// `url` under that name of Tigris which `model` uses; as it is where either is no URL of Tigris. A sidecar from before
/// the names were known to be one store takes only the one that it was set up with.
[[nodiscard]] std::string under_the_name_of(const std::string& url, std::string_view model);

}  // namespace midair
