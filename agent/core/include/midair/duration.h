/// @file
/// Durations as people write them: `200ms`, `10s`, `5m`, `24h`. One format for flags, environment and files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair {

/// Parses digits followed by `ms`, `s`, `m` or `h`; only "0" needs no unit. No sign, no fraction, at most a year.
/// Errc::bad_input names the text and what is expected.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest exact form: 1500 -> "1500ms", 10000 -> "10s", 300000 -> "5m".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace midair
