/// @file
/// One header block of a POSIX ustar archive (POSIX.1-2017, pax, "ustar Interchange Format").
///
/// The dialect of releases: regular files and directories, plain octal numbers, nothing extended. What other tools
/// would interpret, or interpret each in its own way, is refused by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "midair/error.h"

namespace midair {

inline constexpr std::size_t kTarBlockBytes = 512;
using TarBlock = std::array<char, kTarBlockBytes>;
/// Eleven octal digits.
inline constexpr std::uint64_t kMaxTarFileBytes = (8ULL << 30) - 1;

/// A regular file or directory.
struct TarEntry {
  std::string name;  ///< satisfies check_entry_name(); without a trailing slash
  bool is_directory = false;
  bool executable = false;
  std::uint64_t size = 0;  ///< bytes; 0 for a directory
};

/// The header of `entry`: mode 0644 or 0755, owner and time 0. Errc::bad_input if its name cannot be split into 155
/// and 100 bytes at a slash, or it is larger than kMaxTarFileBytes.
[[nodiscard]] Result<TarBlock> encode_ustar(const TarEntry& entry);

/// What `block` says. Errc::corrupt: bad checksum or number, leftovers in unused fields. Errc::refused: another format
/// or extension, anything but a file or directory, setuid bits, an unsafe name.
[[nodiscard]] Result<TarEntry> decode_ustar(const TarBlock& block);

}  // namespace midair
