/// @file
/// Tokens as people and programs see them.
#pragma once

#include <string>
#include <vector>

#include "midair/host/api_token.h"
#include "midair/host/token_store.h"

namespace midair::host::tokens {

/// Whether the token itself is shown, or enough to tell it from others.
enum class Reveal { no, yes };

/// One JSON object; the fields are in README.md.
[[nodiscard]] std::string to_json(const std::string& app, const ApiToken& token, Reveal reveal);
[[nodiscard]] std::string to_json(const TokenEntry& entry, Reveal reveal);

/// Lines of text: the token alone if it is revealed, so that it can be piped, else a small table.
[[nodiscard]] std::string to_text(const std::string& app, const ApiToken& token, Reveal reveal);
/// A table.
[[nodiscard]] std::string to_text(const std::vector<TokenEntry>& entries, Reveal reveal);

}  // namespace midair::host::tokens
