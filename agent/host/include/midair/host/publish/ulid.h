/// @file
/// ULIDs (https://github.com/ulid/spec): unique names that sort by the time they were made.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "midair/clock.h"
#include "midair/error.h"

namespace midair::host {

/// The 80 random bits of a ULID.
using UlidRandom = std::array<std::uint8_t, 10>;

/// 26 characters of Crockford's base 32: 48 bits of Unix time in milliseconds, then `random`.
[[nodiscard]] std::string encode_ulid(WallTime time, const UlidRandom& random);

/// A ULID of that time with random bits from the kernel.
[[nodiscard]] Result<std::string> new_ulid(WallTime time);

}  // namespace midair::host
