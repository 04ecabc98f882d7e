#include "midair/foreign_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "midair/digest.h"
#include "utf8.h"

namespace midair {

namespace {

/// One character, or one byte that is none.
struct Character {
  std::size_t length;
  char32_t code;
};

constexpr char32_t kReplacement = 0xFFFD;

Character first_of(std::string_view text) {
  const std::size_t length = utf8_sequence_length(text);
  if (length == 0) return {1, kReplacement};
  constexpr std::array<unsigned char, 5> kPayload{0, 0x7F, 0x1F, 0x0F, 0x07};  // of the first byte, by length
  char32_t code = static_cast<unsigned char>(text[0]) & kPayload.at(length);
  for (std::size_t i = 1; i < length; ++i) code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {length, code};
}

struct Range {
  char32_t first, last;
};

/// What steers a terminal, breaks a line, or makes letters appear in another order than they stand.
constexpr std::array<Range, 7> kUnsafe{{{0x00, 0x1F},
                                        {0x7F, 0x9F},  // U+009B begins a sequence as ESC [ does
                                        {0x061C, 0x061C},
                                        {0x200E, 0x200F},
                                        {0x2028, 0x202E},
                                        {0x2066, 0x2069},
                                        {kReplacement, kReplacement}}};

bool is_unsafe(char32_t code) {
  return std::ranges::any_of(kUnsafe, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

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
    const auto [length, code] = first_of(text);
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
    const auto [length, code] = first_of(json);
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
    const auto [length, code] = first_of(text);
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
      shown += "\\x" + to_hex({&c, 1});
  }
  return text.size() > max_bytes ? shown + "..." : shown;
}

}  // namespace midair
