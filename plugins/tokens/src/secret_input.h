/// @file
/// A secret from a person or a pipe.
#pragma once

#include <stop_token>
#include <string>

#include "midair/error.h"
#include "midair/secret.h"

namespace midair::host::tokens {

/// Reads standard input: all of it, or, where it is a terminal, one line after showing `prompt` on standard error,
/// which the terminal doesn't echo. At most 64 KiB. Errc::cancelled at a stop request; the terminal is set back in any
/// case.
[[nodiscard]] Result<Secret> read_secret(const std::string& prompt, const std::stop_token& stop);

}  // namespace midair::host::tokens
