#include "store/s3_settings.h"

#include <algorithm>

#include "midair/store/tigris.h"

namespace midair {

namespace {

constexpr std::string_view kScheme = "s3://";
constexpr const char* kDefaultRegion = "auto";

bool is_ip_address(const std::string& host) { return host.find_first_not_of("0123456789.") == std::string::npos; }

/// Bucket names are 3 to 63 letters, digits, dots, dashes and (older ones) underscores.
bool is_bucket_name(std::string_view bucket) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return bucket.size() >= 3 && bucket.size() <= 63 && bucket.find_first_not_of(kAllowed) == std::string_view::npos &&
         bucket.front() != '.' && bucket.front() != '-' && bucket.find("..") == std::string_view::npos;
}

/// What goes into a header must not be able to end it.
bool is_header_text(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Error unusable(const std::string& what, const std::string& cause, const std::string& hint) {
  return {Errc::bad_input, "open the store with", what, cause, hint};
}

Result<void> read_address(const std::string& address, S3Location& location) {
  std::string_view rest(address);
  rest.remove_prefix(std::min(kScheme.size(), rest.size()));
  const auto slash = std::min(rest.find('/'), rest.size());
  location.access.bucket = rest.substr(0, slash);
  location.prefix = rest.substr(std::min(slash + 1, rest.size()));
  if (!location.prefix.empty() && location.prefix.back() != '/') location.prefix += '/';
  if (!address.starts_with(kScheme) || !is_bucket_name(location.access.bucket) ||
      (!location.prefix.empty() && !check_key(location.prefix + "x").ok()))
    return unusable("this address", "it is not of the form s3://BUCKET[/PREFIX]",
                    "correct --store or MIDAIR_STORE; a bucket's name has 3 to 63 letters, digits, dots and dashes");
  return {};
}

Result<void> read_identity(const StoreSettings& settings, S3Access& access) {
  access.identity = {settings.access_key_id, settings.secret_access_key,
                     settings.region.empty() ? kDefaultRegion : settings.region};
  access.session_token = settings.session_token;
  if (!is_header_text(access.identity.access_key_id))
    return unusable("these credentials", "the access key id is missing or malformed", "set AWS_ACCESS_KEY_ID");
  if (access.identity.secret_access_key.empty())
    return unusable("these credentials", "the secret access key is missing", "set AWS_SECRET_ACCESS_KEY");
  if (!access.session_token.empty() && !is_header_text(access.session_token.reveal()))
    return unusable("these credentials", "the session token is malformed", "correct AWS_SESSION_TOKEN");
  if (!is_header_text(access.identity.region))
    return unusable("this region", "its name is malformed", "correct AWS_REGION");
  return {};
}

}  // namespace

bool needs_path_style(const std::string& endpoint) {
  const auto url = parse_http_url(endpoint);
  return url && (url->host == "localhost" || is_ip_address(url->host));
}

Result<S3Location> read_s3_settings(const StoreSettings& settings) {
  S3Location location;
  MIDAIR_TRY(read_address(settings.address, location));
  const std::string endpoint = settings.endpoint.empty() ? kDefaultS3Endpoint : settings.endpoint;
  const auto url = parse_http_url(endpoint);
  if (!url || (!url->path.empty() && url->path != "/"))
    return unusable("this endpoint", "it is not of the form https://HOST[:PORT]", "correct AWS_ENDPOINT_URL_S3");
  location.access.endpoint = *url;
  // A wildcard certificate covers one label, so a bucket with a dot can't stand in the host's name.
  location.access.path_style =
      settings.path_style || is_ip_address(url->host) || location.access.bucket.find('.') != std::string::npos;
  MIDAIR_TRY(read_identity(settings, location.access));
  return location;
}

}  // namespace midair
