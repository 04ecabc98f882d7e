/// @file
/// Text that somebody else wrote (a server, an app, a plugin, a file), made safe to show: it can't steer a terminal,
/// begin a line of its own in a log, nor fill either.
///
/// printable() is for names inside of a message, tame() for a word or a cell of a table, one_line() for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace midair {

/// `text` in printable ASCII: every other byte as `\xNN`, cut after `max_bytes` of it with "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes = 200);

/// `text` in valid UTF-8, each control character (C0, DEL, C1) replaced by '?', cut after `max_bytes` with "...".
[[nodiscard]] std::string tame(std::string_view text, std::size_t max_bytes = 1000);

/// `text` in valid UTF-8 for the end of a sentence of ours: control characters become blanks, it ends after `max_bytes`
/// and without a full stop.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t max_bytes = 200);

}  // namespace midair
