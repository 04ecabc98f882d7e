/// @file
/// What must not be shown as it is: the one table behind foreign_text.h and the log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace midair {

/// One character of UTF-8, or one byte that is none: that has the code U+FFFD.
struct Character {
  std::size_t length;
  char32_t code;
};

/// The first character of `text`, which is not empty.
[[nodiscard]] Character first_character(std::string_view text);

/// True for what steers a terminal, breaks a line, or makes letters appear in another order than they stand; and for
/// U+FFFD. None of them is beyond U+FFFF.
[[nodiscard]] bool is_unsafe(char32_t code);

/// Appends each byte as `\xNN`.
void append_hex(std::string& line, std::string_view bytes);

}  // namespace midair
