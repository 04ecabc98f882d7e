/// @file
/// Tokens of the Fly API: their kinds, and the header each of them wants.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "midair/clock.h"
#include "midair/error.h"
#include "midair/secret.h"

namespace midair::host {

/// What a token is, which decides on the scheme of its header.
enum class TokenKind {
  macaroon,  ///< a comma-separated list with at least one of fm2_..., fm1r_..., fm1a_...: `FlyV1`
  bearer,    ///< anything else, such as fo1_... of a login: `Bearer`
};

/// "macaroon" or "bearer".
[[nodiscard]] const char* to_string(TokenKind kind) noexcept;

/// A usable token. Immutable wherever it is shared.
struct ApiToken {
  Secret text;                           ///< without scheme, e.g. "fm2_a,fm2_b"; what a registry takes as password
  Secret authorization;                  ///< the value of the header Authorization, scheme included
  TokenKind kind = TokenKind::bearer;    ///< of `text`
  std::string source;                    ///< where it came from, for people: "environment FLY_API_TOKEN"
  std::optional<WallTime> expires_at{};  ///< nothing where the source doesn't say
};

/// Reads a token as people paste it: leading `Authorization:`, `Bearer` and `FlyV1` are stripped, however often and in
/// whatever case, and white space around it and its commas. Errc::bad_input for what cannot be a token (empty, white
/// space or control characters within), Errc::corrupt for a macaroon that was cut short, which is what terminals and
/// web forms like to do to its 700 characters. Neither error shows any of the text.
[[nodiscard]] Result<ApiToken> parse_token(std::string_view text, std::string source);

/// Enough of a token to tell it from others: "fm2_lJPE...(691)" with its length. Short ones are all "***".
[[nodiscard]] std::string mask(const Secret& text);

}  // namespace midair::host
