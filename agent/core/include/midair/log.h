/// @file
/// Log lines are an event and fields: `swap.committed release=42 took_ms=812`. Words are those of the states.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace midair {

/// What a level means. error: an operator must act. warning: something was lost or refused, nobody need act now.
/// notice: a state change worth keeping (a swap, a publication). info: progress. debug: for developers.
enum class LogLevel { error, warning, notice, info, debug };

/// One `key=value` of a log line.
using LogField = std::pair<std::string_view, std::string>;

/// Writes one line, atomically, to standard error: "<RFC 3339> <level> <event> key=value ...". Values with spaces,
/// quotes or control characters are quoted and escaped, so that foreign text cannot forge a line; what looks like a
/// secret is replaced (redact.h). Thread-safe.
void log(LogLevel level, std::string_view event, const std::vector<LogField>& fields = {});

/// Drops what is less urgent than `level`; the default is info. Thread-safe.
void set_log_level(LogLevel level);

/// "error", "warning", "notice", "info", "debug"; false if `text` is none of them.
[[nodiscard]] bool parse_log_level(std::string_view text, LogLevel& level);

}  // namespace midair
