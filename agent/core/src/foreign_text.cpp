#include "midair/foreign_text.h"

#include <array>
#include <cstdio>

#include "unsafe_characters.h"

namespace midair {

namespace {

std::string json_escape(char32_t code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(code));  // none of them is beyond U+FFFF
  return text.data();
}

}  // namespace

std::string tame(std::string_view text, std::string_view kept) { return tame_and_cut(text, text.size(), kept); }

std::string tame_and_cut(std::string_view text, std::size_t max_bytes, std::string_view kept) {
  std::string tamed;
  while (!text.empty()) {
    const auto [length, code] = first_character(text);
    if (tamed.size() + length > max_bytes) return tamed + "...";
    const bool stays = !is_unsafe(code) || (length == 1 && kept.find(text[0]) != std::string_view::npos);
    tamed += stays ? text.substr(0, length) : "?";
    text.remove_prefix(length);
  }
  return tamed;
}

std::string tame_json(std::string_view json) {
  std::string line;
  line.reserve(json.size());
  while (!json.empty()) {
    const auto [length, code] = first_character(json);
    const bool between_tokens = code == '\n' || code == '\r' || code == '\t';  // in strings they are escaped already
    if (between_tokens)
      line += ' ';
    else
      line += is_unsafe(code) ? json_escape(code) : std::string(json.substr(0, length));
    json.remove_prefix(length);
  }
  return line;
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string line;
  while (!text.empty()) {
    const auto [length, code] = first_character(text);
    if (line.size() + length > max_bytes) break;
    line += is_unsafe(code) ? " " : text.substr(0, length);
    text.remove_prefix(length);
  }
  while (!line.empty() && (line.back() == '.' || line.back() == ' ')) line.pop_back();
  return line;
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string shown;
  for (const char c : text.substr(0, max_bytes)) {
    if (c >= ' ' && c <= '~')
      shown += c;
    else
      append_hex(shown, {&c, 1});
  }
  return text.size() > max_bytes ? shown + "..." : shown;
}

}  // namespace midair
