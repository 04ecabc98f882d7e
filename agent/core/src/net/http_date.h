/// @file
/// Dates in HTTP headers.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "midair/clock.h"

namespace midair {

/// "Fri, 20 Nov 2026 22:24:41 GMT" (RFC 9110 section 5.6.7); nothing for other text and years (see wall_time_of()).
[[nodiscard]] std::optional<WallTime> parse_http_date(const std::string& text);

/// Retry-After, in seconds or as a date (RFC 9110 section 10.2.3); nothing for other text.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& text);

}  // namespace midair
