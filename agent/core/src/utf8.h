/// @file
/// UTF-8 (RFC 3629), for text that somebody else wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace midair {

/// The length of the well-formed UTF-8 sequence that `text` begins with: 1 to 4, or 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

/// `text` with every byte that is not part of a well-formed sequence replaced by U+FFFD.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);

}  // namespace midair
