/// @file
/// Percent-encoding (RFC 3986 section 2) and the strict parsing of the addresses of servers, stores and objects.
///
/// Not Poco::URI: that decodes a path while it reads it, so that "%2F" and "/" become one; it takes user info, queries,
/// control characters and "http://", each of which would have to be looked for and refused afterwards; and it encodes
/// by other rules than SigV4, which must agree with the server's byte by byte.
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

/// scheme "://" host [":" port] path; nothing else is accepted.
struct HttpUrl {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path;  ///< as spelled; empty or starting with "/"

  /// The host, in brackets where it is an IPv6 address, and the port unless it is the scheme's own.
  [[nodiscard]] std::string authority() const;
};

/// Nothing for other schemes, user info, a query, a fragment, control characters or a bad port.
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view text);

}  // namespace midair
