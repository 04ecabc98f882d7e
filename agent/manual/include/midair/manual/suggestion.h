/// @file
/// "Did you mean": the nearest of several words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace midair::manual {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `word`, the first of equals;
/// nothing if even that one differs in more than a third of its letters.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace midair::manual
