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

/// `text` with '?' for every control character (those beyond ASCII and DEL too), every mark that turns the direction of
/// writing, and every byte that is no UTF-8. Those of `kept`, ASCII, stay.
[[nodiscard]] std::string tame(std::string_view text, std::string_view kept = {});

/// tame(), and cut after `max_bytes` with "...", never within a character.
[[nodiscard]] std::string tame_and_cut(std::string_view text, std::size_t max_bytes, std::string_view kept = {});

/// One JSON value on one line, its meaning unchanged: what tame() would replace stands there as \uNNNN, and line breaks
/// between tokens as blanks.
[[nodiscard]] std::string tame_json(std::string_view json);

/// `text` for the end of a sentence of ours: what tame() would replace becomes a blank; it ends after `max_bytes`,
/// never within a character, and without a full stop.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t max_bytes = 200);

}  // namespace midair
