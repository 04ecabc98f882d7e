/// @file
/// Log lines are an event and fields: `swap.committed release=42 took_ms=812`. Words are those of the states.
#pragma once

#include <functional>
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
/// quotes, control characters or anything beyond ASCII are quoted; in them control characters, marks of direction and
/// bytes that are no UTF-8 are escaped, so that foreign text can neither forge a line nor move a cursor. What looks
/// like a secret is replaced (redact.h). A value is cut with "..." after some 1200 bytes, the line after 4096.
/// Thread-safe.
void log(LogLevel level, std::string_view event, const std::vector<LogField>& fields = {});

/// The line that log() writes, with its newline.
[[nodiscard]] std::string format_log_line(LogLevel level, std::string_view event, const std::vector<LogField>& fields);

/// Takes lines, each with its newline, in place of standard error. Called on any thread.
using LogSink = std::function<void(std::string line)>;

/// Sends all later lines to `sink`; nullptr: to standard error again. Thread-safe; a line that is under way may still
/// go to the one before.
void set_log_sink(LogSink sink);

/// How a line looks. text: as above. json: an object on one line, {"time", "level", "event", and the fields}, all of
/// them strings; the same is escaped, replaced and cut, and fields that a line has no room for are left out.
enum class LogFormat { text, json };

/// Of all later lines; the default is text. Thread-safe.
void set_log_format(LogFormat format);
[[nodiscard]] LogFormat log_format() noexcept;

/// "text" and "json"; false if `text` is neither.
[[nodiscard]] bool parse_log_format(std::string_view text, LogFormat& format);

/// Drops what is less urgent than `level`; the default is info. Thread-safe.
void set_log_level(LogLevel level);

/// "error", "warning", "notice", "info", "debug"; false if `text` is none of them.
[[nodiscard]] bool parse_log_level(std::string_view text, LogLevel& level);

}  // namespace midair
