/// @file
/// Reads constants out of shared objects without loading them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "midair/error.h"

namespace midair::host {

/// The value of the 32-bit constant `symbol` in the dynamic symbol table of the shared object `path`, read from the
/// file: none of its code runs. Errc::corrupt if the file is no ELF shared object of this machine's kind,
/// Errc::not_found if it doesn't export such a constant.
[[nodiscard]] Result<std::uint32_t> read_elf_u32(const std::filesystem::path& path, const std::string& symbol);

}  // namespace midair::host
