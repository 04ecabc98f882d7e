/// @file
/// Macaroons as text: enough of their syntax to see that one was cut short.
#pragma once

#include <string_view>

namespace midair::host {

/// True for fm2_..., fm1r_... and fm1a_...
[[nodiscard]] bool is_macaroon(std::string_view token) noexcept;

/// True if `token` begins as a version 2 macaroon does, but its end is missing. A macaroon is "fm2_" and base64 of a
/// MessagePack array of four; the walk through that array knows where it must end. What doesn't begin that way, or is
/// of an older version, cannot be judged and is not called truncated.
[[nodiscard]] bool is_truncated_macaroon(std::string_view token);

}  // namespace midair::host
