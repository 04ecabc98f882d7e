/// @file
/// One header block of a POSIX ustar archive (POSIX.1-2017, pax, "ustar Interchange Format").
///
/// The dialect of releases: regular files, directories and symbolic links, plain octal numbers; extended by nothing but
/// the two pax records of pax.h. What other tools would interpret each in its own way is refused by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "midair/error.h"
#include "midair/release/manifest.h"
#include "release/pax.h"

namespace midair {

inline constexpr std::size_t kTarBlockBytes = 512;
using TarBlock = std::array<char, kTarBlockBytes>;
/// Eleven octal digits.
inline constexpr std::uint64_t kMaxTarFileBytes = (8ULL << 30) - 1;

enum class TarKind { file, directory, link };

/// One entry.
struct TarEntry {
  std::string name;  ///< satisfies check_entry_name(); without a trailing slash
  TarKind kind = TarKind::file;
  bool executable = false;
  Access access = Access::all;
  std::uint64_t size = 0;   ///< bytes; 0 unless it is a file
  std::uint64_t mtime = 0;  ///< seconds since 1970; not read
  std::string target{};     ///< of a link
};

/// True if `name` can be split into 155 and 100 bytes at a slash.
[[nodiscard]] bool fits_ustar(const TarEntry& entry);

/// The header of `entry`, owner 0; what does not fit into it is cut, so fits_ustar() or a pax header before it says it
/// in full. Errc::bad_input if it is larger than kMaxTarFileBytes.
[[nodiscard]] Result<TarBlock> encode_ustar(const TarEntry& entry);

/// What `block` says; `pax`, which stood before it, says it better. Errc::corrupt: bad checksum or number, leftovers in
/// unused fields. Errc::refused: another format or extension, anything but a file, directory or symbolic link, setuid
/// bits, an unsafe name.
[[nodiscard]] Result<TarEntry> decode_ustar(const TarBlock& block, const PaxRecords& pax = {});

/// The header of a pax extended header of `size` bytes.
[[nodiscard]] TarBlock encode_pax_block(std::uint64_t size);

/// The size of the pax extended header that `block` announces; nothing if it announces none. Errc::refused if it is
/// longer than kMaxPaxBytes, otherwise as decode_ustar().
[[nodiscard]] Result<std::optional<std::uint64_t>> decode_pax_block(const TarBlock& block);

}  // namespace midair
