/// @file
/// Percent-encoding (RFC 3986 section 2) and the strict parsing of the addresses of stores and objects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace midair {

/// Encodes everything but A-Z a-z 0-9 - . _ ~ and, if `keep_slash`, "/", as SigV4's UriEncode() does.
[[nodiscard]] std::string percent_encode(std::string_view text, bool keep_slash);

/// Nothing if an escape is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Decodes the path of an object's URL to a key. Nothing if there is a query or fragment, an escape is malformed or
/// hides a slash, or the key breaks the rules of check_key().
[[nodiscard]] std::optional<std::string> decode_key(std::string_view path);

/// scheme "://" host [":" port] path; nothing else is accepted.
struct HttpUrl {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case
  std::uint16_t port = 0;
  std::string path;  ///< as spelled; empty or starting with "/"

  /// The host, and the port unless it is the scheme's own.
  [[nodiscard]] std::string authority() const;
};

/// Nothing for other schemes, user info, a query, a fragment, control characters or a bad port.
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view text);

}  // namespace midair
