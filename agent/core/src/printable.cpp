#include "printable.h"

#include "midair/digest.h"

namespace midair {

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
