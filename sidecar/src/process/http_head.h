/// @file
/// The head of an HTTP response, read strictly.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair::sidecar {

/// What a probe wants to know of a response.
struct HttpHead {
  int status = 0;       ///< 100 to 599
  std::string release;  ///< value of Midair-Release, at most 255 printable ASCII characters; empty if there is none
};

/// The longest head that a probe accepts, final empty line included.
inline constexpr std::size_t kMaxHttpHeadBytes = 16 * 1024;

/// Reads a whole head, from "HTTP/1." to the empty line, which must end `bytes`. Strict (RFC 9112): CRLF only, no
/// folded lines, no space before the colon, no control characters, Midair-Release at most once. Errc::corrupt
/// otherwise. Safe on any bytes.
[[nodiscard]] Result<HttpHead> parse_http_head(std::string_view bytes);

}  // namespace midair::sidecar
