#include "midair/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "log_json.h"
#include "midair/clock.h"
#include "midair/redact.h"
#include "unsafe_characters.h"

namespace midair {

namespace {

constexpr std::array<std::string_view, 5> kLevelNames{"error", "warning", "notice", "info", "debug"};
std::atomic<LogLevel> threshold{LogLevel::info};
std::atomic<LogFormat> the_format{LogFormat::text};

std::mutex sink_mutex;
std::shared_ptr<const LogSink> the_sink;  // guarded by it

std::shared_ptr<const LogSink> current_sink() {
  const std::scoped_lock lock(sink_mutex);
  return the_sink;
}

bool is_plain(std::string_view value) {
  if (value.empty() || value.size() > kMaxValue) return false;
  for (const char c : value)
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c > '~') return false;
  return true;
}

/// Appends the first character of `text` and returns its length.
std::size_t append_escaped(std::string& line, std::string_view text) {
  const auto [length, code] = first_character(text);
  const std::string_view character = text.substr(0, length);
  if (character == "\"" || character == "\\")
    (line += '\\') += character;
  else if (character == "\n")
    line += "\\n";
  else if (is_unsafe(code))
    append_hex(line, character);
  else
    line += character;
  return length;
}

void append_value(std::string& line, std::string_view value) {
  if (is_plain(value)) {
    line += value;
    return;
  }
  line += '"';
  const std::size_t end = line.size() + kMaxValue;
  while (!value.empty() && line.size() < end) value.remove_prefix(append_escaped(line, value));
  line += value.empty() ? "\"" : "...\"";
}

}  // namespace

std::string format_log_line(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  std::string line = format_rfc3339(system_clock().wall());
  if (log_format() == LogFormat::json)
    return json_log_line(line, kLevelNames.at(static_cast<std::size_t>(level)), event, fields);
  line += ' ';
  line += kLevelNames.at(static_cast<std::size_t>(level));
  line += ' ';
  line += event;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    append_value(line, redact(value));
  }
  if (line.size() >= kMaxLine) line.resize(kMaxLine - 1);
  line += '\n';
  return line;
}

void log(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  if (level > threshold.load(std::memory_order_relaxed)) return;
  const std::string line = format_log_line(level, event, fields);
  if (const auto sink = current_sink()) return (*sink)(line);
  // One write per line: lines of several threads and processes never mix. Nobody is there to be told that it failed.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void set_log_sink(LogSink sink) {
  const std::scoped_lock lock(sink_mutex);
  the_sink = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
}

void set_log_format(LogFormat format) { the_format.store(format, std::memory_order_relaxed); }

LogFormat log_format() noexcept { return the_format.load(std::memory_order_relaxed); }

bool parse_log_format(std::string_view text, LogFormat& format) {
  if (text != "text" && text != "json") return false;
  format = text == "json" ? LogFormat::json : LogFormat::text;
  return true;
}

void set_log_level(LogLevel level) { threshold.store(level, std::memory_order_relaxed); }

bool parse_log_level(std::string_view text, LogLevel& level) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i)
    if (text == kLevelNames.at(i)) {
      level = static_cast<LogLevel>(i);
      return true;
    }
  return false;
}

}  // namespace midair
