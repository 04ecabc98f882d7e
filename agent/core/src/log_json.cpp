#include "log_json.h"

#include <array>
#include <cstdio>

#include "midair/redact.h"
#include "unsafe_characters.h"

namespace midair {

namespace {

/// Appends the first character of `text`, as a JSON string has it, and returns its length.
std::size_t append_escaped(std::string& line, std::string_view text) {
  const auto [length, code] = first_character(text);
  if (code == U'"' || code == U'\\') {
    (line += '\\') += text.front();
  } else if (code == U'\n') {
    line += "\\n";
  } else if (is_unsafe(code)) {
    std::array<char, 7> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(code));
    line += escaped.data();
  } else {
    line += text.substr(0, length);
  }
  return length;
}

std::string member(std::string_view key, std::string_view value) {
  std::string text = "\"";
  text.append(key).append("\":\"");
  const std::size_t end = text.size() + kMaxValue;
  while (!value.empty() && text.size() < end) value.remove_prefix(append_escaped(text, value));
  return text += value.empty() ? "\"" : "...\"";
}

}  // namespace

std::string json_log_line(std::string_view time, std::string_view level, std::string_view event,
                          const std::vector<LogField>& fields) {
  constexpr std::string_view kEnd = "}\n";
  std::string line = "{" + member("time", time) + "," + member("level", level) + "," + member("event", event);
  for (const auto& [key, value] : fields) {
    const std::string next = "," + member(key, redact(value));
    if (line.size() + next.size() + kEnd.size() <= kMaxLine) line += next;
  }
  return line.append(kEnd);
}

}  // namespace midair
