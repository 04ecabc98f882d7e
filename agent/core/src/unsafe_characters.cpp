#include "unsafe_characters.h"

#include <algorithm>
#include <array>

#include "midair/digest.h"
#include "utf8.h"

namespace midair {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first, last;
};

constexpr std::array<Range, 7> kUnsafe{{{0x00, 0x1F},
                                        {0x7F, 0x9F},  // U+009B begins a sequence as ESC [ does
                                        {0x061C, 0x061C},
                                        {0x200E, 0x200F},
                                        {0x2028, 0x202E},
                                        {0x2066, 0x2069},
                                        {kReplacement, kReplacement}}};

}  // namespace

Character first_character(std::string_view text) {
  const std::size_t length = utf8_sequence_length(text);
  if (length == 0) return {1, kReplacement};
  constexpr std::array<unsigned char, 5> kPayload{0, 0x7F, 0x1F, 0x0F, 0x07};  // of the first byte, by length
  char32_t code = static_cast<unsigned char>(text[0]) & kPayload.at(length);
  for (std::size_t i = 1; i < length; ++i) code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {length, code};
}

bool is_unsafe(char32_t code) {
  return std::ranges::any_of(kUnsafe, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

void append_hex(std::string& line, std::string_view bytes) {
  for (const char& c : bytes) (line += "\\x") += to_hex({&c, 1});
}

}  // namespace midair
