#include "midair/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>

#include "midair/clock.h"
#include "midair/redact.h"

namespace midair {

namespace {

constexpr std::array<std::string_view, 5> kLevelNames{"error", "warning", "notice", "info", "debug"};
std::atomic<LogLevel> threshold{LogLevel::info};

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value)
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
  return true;
}

void append_escaped(std::string& line, char c) {
  if (c == '"' || c == '\\') {
    line += '\\';
    line += c;
  } else if (c == '\n') {
    line += "\\n";
  } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    line += hex.data();
  } else {
    line += c;
  }
}

void append_value(std::string& line, std::string_view value) {
  if (is_plain(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) append_escaped(line, c);
  line += '"';
}

}  // namespace

void log(LogLevel level, std::string_view event, const std::vector<LogField>& fields) {
  if (level > threshold.load(std::memory_order_relaxed)) return;
  std::string line = format_rfc3339(system_clock().wall());
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
  line += '\n';
  // One write per line: lines of several threads and processes never mix. A full pipe must not stop us, so the
  // result does not matter.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
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
