/// @file
/// From an address and the environment to an ObjectStore; the same for agent and sidecar.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "midair/error.h"
#include "midair/secret.h"
#include "midair/store/file_object_store.h"
#include "midair/store/object_store.h"

namespace midair {

/// Everything that names a store and opens it.
struct StoreSettings {
  std::string address;   ///< "s3://BUCKET[/PREFIX]" or "file:///DIR"
  std::string endpoint;  ///< S3 only; default kDefaultS3Endpoint
  std::string region;    ///< S3 only; default "auto"
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;                      ///< may be empty
  bool path_style = false;                   ///< S3 only: bucket in the path instead of the host name
  std::string ca_file;                       ///< PEM file of extra roots; empty: the system's
  IfMissing if_missing = IfMissing::create;  ///< file:// only
};

/// Reads settings by the environment names that Fly, Tigris and the AWS tools use:
/// MIDAIR_STORE (or BUCKET_NAME / AWS_BUCKET -> "s3://NAME"), AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID,
/// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, MIDAIR_S3_PATH_STYLE (true|false; default true where the endpoint's host
/// is an IP address or localhost), MIDAIR_CA_FILE. Credentials can be kept under other names: MIDAIR_ACCESS_KEY_ID_FROM
/// and MIDAIR_SECRET_ACCESS_KEY_FROM name the variables to read instead.
/// `lookup` gives a variable's value or nothing. Never fails: open_store() checks.
[[nodiscard]] StoreSettings store_settings_from_env(
    const std::function<std::optional<std::string>(const std::string&)>& lookup);

/// Opens the store; does no I/O beyond reading `ca_file` and, for file://, looking for DIR or creating it.
/// Errc::bad_input says which setting is missing or unusable and where it can be given, Errc::unavailable that DIR is
/// missing and must not be created.
[[nodiscard]] Result<std::unique_ptr<ObjectStore>> open_store(const StoreSettings& settings);

}  // namespace midair
