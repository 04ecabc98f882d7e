/// @file
/// AWS Signature Version 4 in the Authorization header: "Authenticating Requests: Using the Authorization Header
/// (AWS Signature Version 4)", Amazon S3 API Reference, sig-v4-header-based-auth.html.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "midair/clock.h"
#include "midair/secret.h"

namespace midair {

/// SHA-256 of nothing: the payload hash of a request without a body.
inline constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Who signs, and for which region. Printing one shows no secret.
struct SigV4Identity {
  std::string access_key_id;
  Secret secret_access_key;
  std::string region;
};

/// What is signed of a request.
struct SigV4Request {
  std::string method;
  std::string path;   ///< percent-encoded as it is sent
  std::string query;  ///< canonical: names and values percent-encoded, sorted by name, "name=value" joined with "&"
  /// Exactly these are signed. Names in lower case, values trimmed; must have "host" and "x-amz-date".
  std::map<std::string, std::string> headers;
  std::string payload_sha256;  ///< lower-case hex
};

/// "20130524T000000Z", as x-amz-date wants it.
[[nodiscard]] std::string amz_date(WallTime time);

/// The value of the Authorization header for service s3.
[[nodiscard]] std::string sigv4_authorization(const SigV4Request& request, const SigV4Identity& identity);

}  // namespace midair
