#include "midair/foreign_text.h"

#include <algorithm>

#include "midair/digest.h"

namespace midair {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

}  // namespace

std::string tame(std::string_view text) {
  std::string tamed(text);
  std::ranges::replace_if(tamed, is_control, '?');
  return tamed;
}

std::string one_line(std::string text, std::size_t max_bytes) {
  if (text.size() > max_bytes) text.resize(max_bytes);
  std::ranges::replace_if(text, is_control, ' ');
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string shown;
  for (const char c : text.substr(0, kLongest)) {
    if (c >= ' ' && c <= '~')
      shown += c;
    else
      shown += "\\x" + to_hex({&c, 1});
  }
  return text.size() > kLongest ? shown + "..." : shown;
}

}  // namespace midair
