/// @file
/// What commands read: files, and what must not stand on a command line.
#pragma once

#include <cstdint>
#include <string>

#include "midair/error.h"

namespace midair::host::machines {

/// The file's text, or for "-" all of standard input. Errc::corrupt beyond `max_bytes`.
[[nodiscard]] Result<std::string> read_input(const std::string& file, std::uint64_t max_bytes);

}  // namespace midair::host::machines
