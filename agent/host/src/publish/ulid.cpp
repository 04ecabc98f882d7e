#include "midair/host/publish/ulid.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace midair::host {

namespace {

/// Crockford's alphabet: no I, L, O, U.
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

std::string encode_ulid(WallTime time, const UlidRandom& random) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  auto milliseconds = static_cast<std::uint64_t>(since_epoch.count());
  std::string text(26, '0');
  for (int i = 9; i >= 0; --i, milliseconds >>= 5) text[i] = kAlphabet[milliseconds & 31];

  std::uint32_t bits = 0;
  int held = 0;
  std::size_t at = 10;
  for (const std::uint8_t byte : random) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 5; held -= 5) text[at++] = kAlphabet[bits >> (held - 5) & 31];
  }
  return text;
}

Result<std::string> new_ulid(WallTime time) {
  UlidRandom random;
  if (::getentropy(random.data(), random.size()) != 0) return system_error(errno, "get random bytes", "the kernel");
  return encode_ulid(time, random);
}

}  // namespace midair::host
