#include "utf8.h"

namespace midair {

namespace {

/// The bytes that RFC 3629, section 4, allows first and second; all later ones are 80..BF.
struct Utf8Form {
  unsigned char first_low, first_high, second_low, second_high;
  std::size_t length;
};

constexpr Utf8Form kForms[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2},  //
    {0xE0, 0xE0, 0xA0, 0xBF, 3},  // no overlong forms
    {0xE1, 0xEC, 0x80, 0xBF, 3},  //
    {0xED, 0xED, 0x80, 0x9F, 3},  // no surrogates
    {0xEE, 0xEF, 0x80, 0xBF, 3},  //
    {0xF0, 0xF0, 0x90, 0xBF, 4},  // no overlong forms
    {0xF1, 0xF3, 0x80, 0xBF, 4},  //
    {0xF4, 0xF4, 0x80, 0x8F, 4},  // nothing past U+10FFFF
};

bool between(char c, unsigned char low, unsigned char high) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= low && byte <= high;
}

bool matches(std::string_view text, const Utf8Form& form) {
  if (text.size() < form.length || !between(text[0], form.first_low, form.first_high) ||
      !between(text[1], form.second_low, form.second_high))
    return false;
  for (std::size_t i = 2; i < form.length; ++i)
    if (!between(text[i], 0x80, 0xBF)) return false;
  return true;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (between(text[0], 0x00, 0x7F)) return 1;
  for (const Utf8Form& form : kForms)
    if (matches(text, form)) return form.length;
  return 0;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    clean += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

}  // namespace midair
