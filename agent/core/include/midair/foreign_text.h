/// @file
/// Text of strangers (store, app, hook, API, plugin) made safe to show: it must neither steer a terminal nor break a
/// line.
#pragma once

#include <string>
#include <string_view>

namespace midair {

/// `text` with every control character replaced by '?'.
[[nodiscard]] std::string tame(std::string_view text);

/// For one line of ours: control characters become blanks, it ends after `max_bytes`, without a full stop.
[[nodiscard]] std::string one_line(std::string text, std::size_t max_bytes = 200);

/// `text` with control characters, DEL and bytes beyond ASCII as `\xNN`, cut after 200 bytes with "...".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace midair
