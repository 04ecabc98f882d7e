#include "midair/foreign_text.h"

#include "midair/digest.h"
#include "utf8.h"

namespace midair {

namespace {

/// U+0080 to U+009F, which terminals take for escape sequences too.
bool is_c1(std::string_view character) {
  return character.size() == 2 && character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  return first < 0x20 || first == 0x7f || is_c1(character);
}

/// As many whole characters as fit into `max_bytes`, each control character as `instead`.
std::string wash(std::string_view text, std::size_t max_bytes, char instead) {
  // A cut character at the end must not be taken for bytes that are no UTF-8, so the input is not cut first.
  const std::string valid = replace_invalid_utf8(text.substr(0, max_bytes + 4));
  std::string washed;
  for (std::string_view rest = valid; !rest.empty();) {
    const std::string_view character = rest.substr(0, utf8_sequence_length(rest));
    if (washed.size() + character.size() > max_bytes) break;
    if (is_control(character))
      washed += instead;
    else
      washed += character;
    rest.remove_prefix(character.size());
  }
  return washed;
}

}  // namespace

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

std::string tame(std::string_view text, std::size_t max_bytes) {
  return wash(text, max_bytes, '?') + (text.size() > max_bytes ? "..." : "");
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string line = wash(text, max_bytes, ' ');
  line.resize(line.find_last_not_of(". ") + 1);
  return line;
}

}  // namespace midair
