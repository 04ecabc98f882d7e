/// @file
/// Pax extended headers (POSIX.1-2017, pax, "pax Extended Header"), as far as releases have them: names and targets of
/// links that ustar has no room for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair {

/// No extended header is longer: a name and a target.
inline constexpr std::uint64_t kMaxPaxBytes = 16 * 1024;

/// What an extended header says of the entry after it.
struct PaxRecords {
  std::optional<std::string> path{};
  std::optional<std::string> linkpath{};

  [[nodiscard]] bool empty() const { return !path && !linkpath; }
};

/// The content of an extended header, records in byte order of their keys.
[[nodiscard]] std::string encode_pax(const PaxRecords& records);

/// Errc::corrupt if a length is wrong or a record is there twice; Errc::refused for any other record.
[[nodiscard]] Result<PaxRecords> decode_pax(std::string_view content);

}  // namespace midair
