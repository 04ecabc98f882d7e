/// @file
/// Foreign text made safe to show in one line of a message.
#pragma once

#include <string>
#include <string_view>

namespace midair {

/// `text` with control characters, DEL and bytes beyond ASCII as `\xNN`, cut after 200 bytes with "...".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace midair
