/// @file
/// From settings as people write them to the address and identity of an S3 client.
#pragma once

#include <string>

#include "midair/error.h"
#include "midair/store/open_store.h"
#include "store/s3_client.h"

namespace midair {

/// A bucket and the part of it that a store lies in.
struct S3Location {
  S3Access access;
  std::string prefix;  ///< empty, or with a slash at the end
};

/// Errc::bad_input says which setting is missing or unusable and where it can be given.
[[nodiscard]] Result<S3Location> read_s3_settings(const StoreSettings& settings);

/// True where a bucket's name can't be expected to stand in front of the endpoint's host: an IP address or "localhost".
[[nodiscard]] bool needs_path_style(const std::string& endpoint);

}  // namespace midair
