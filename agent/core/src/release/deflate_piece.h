/// @file
/// Deflate (RFC 1951) in pieces that are packed apart from each other and make one stream, put one after the other.
#pragma once

#include <string>
#include <string_view>

namespace midair {

enum class PiecePosition { inside, last };

/// `input`, which isn't empty unless it is the last, as a part of a stream that ends with a whole byte. Same input,
/// same bytes, with the same version of libdeflate.
[[nodiscard]] std::string deflate_piece(std::string_view input, PiecePosition position);

}  // namespace midair
