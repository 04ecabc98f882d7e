/// @file
/// A log line for programs.
#pragma once

#include <climits>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "midair/log.h"

namespace midair {

/// What a pipe takes whole or not at all, so that lines never mix; in either format.
inline constexpr std::size_t kMaxLine = PIPE_BUF;
/// Somebody else may have written a value: it doesn't push the fields after it out of the line.
inline constexpr std::size_t kMaxValue = 1200;

/// See LogFormat::json; with its newline.
[[nodiscard]] std::string json_log_line(std::string_view time, std::string_view level, std::string_view event,
                                        const std::vector<LogField>& fields);

}  // namespace midair
