/// @file
/// Fuzzed bytes as tarballs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "release/gzip_writer.h"
#include "release/ustar.h"

namespace midair {

/// `archive` with the right checksum in every block that looks like a header: no fuzzer guesses one.
inline std::string with_checksums(std::string_view archive) {
  constexpr std::size_t kMagic = 257;
  constexpr std::size_t kChecksum = 148;
  constexpr std::size_t kChecksumBytes = 8;
  std::string repaired(archive);
  for (std::size_t at = 0; at + kTarBlockBytes <= repaired.size(); at += kTarBlockBytes) {
    if (repaired.compare(at + kMagic, 5, "ustar") != 0) continue;
    std::fill_n(repaired.begin() + static_cast<std::ptrdiff_t>(at + kChecksum), kChecksumBytes, ' ');
    unsigned sum = 0;
    for (const char c : std::string_view(repaired).substr(at, kTarBlockBytes)) sum += static_cast<unsigned char>(c);
    std::array<char, kChecksumBytes> digits{};
    std::snprintf(digits.data(), digits.size(), "%06o", sum);
    repaired.replace(at + kChecksum, digits.size(), digits.data(), digits.size());
  }
  return repaired;
}

/// `archive` within gzip, for the same reason.
inline MemoryFile gzip_file(std::string_view archive) {
  MemoryFile file;
  GzipWriter writer(file.fd());
  require(writer.write(archive).ok() && writer.finish().ok());
  return file;
}

}  // namespace midair
