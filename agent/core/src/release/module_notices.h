/// @file
/// What whoever publishes modules should know, though nothing forbids it.
#pragma once

#include <string>
#include <string_view>

namespace midair {

/// A sentence about the writable variables of the module `bytes`, the largest first, with their sizes; empty if it has
/// none. `path` is its name in the release.
[[nodiscard]] std::string notice_of_globals(const std::string& path, std::string_view bytes);

}  // namespace midair
