#include "macaroon_text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace midair::host {

namespace {

constexpr std::string_view kVersion2 = "fm2_";
constexpr unsigned char kArrayOfFour = 0x94;  // nonce, location, caveats, tail

/// What base64 with a missing end still says; empty if it is no base64 at all.
std::string decode_base64_prefix(std::string_view text) {
  std::string padded(text.substr(0, text.find('=')));
  const std::size_t known_bytes = padded.size() * 3 / 4;
  padded.resize((padded.size() + 3) / 4 * 4, 'A');
  std::string bytes(padded.size() / 4 * 3, '\0');
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(padded.data()), static_cast<int>(padded.size()));
  bytes.resize(decoded < 0 ? 0 : known_bytes);
  return bytes;
}

/// How one MessagePack value goes on after its first byte: `size_bytes` of big-endian length, then that many bytes (or
/// values) and `fixed` bytes.
struct Form {
  std::size_t size_bytes = 0;
  std::uint64_t fixed = 0;
  std::uint64_t values_per_unit = 0;  ///< 0: the length counts bytes; 1: values (array); 2: pairs (map)
  std::uint64_t units = 0;            ///< a length that stands in the first byte itself
};

Form form_of(unsigned char first) {
  // From 0xc0 on, as https://github.com/msgpack/msgpack/blob/master/spec.md lists them.
  static constexpr std::array<Form, 32> kForms{{
      {},        {},        {},     {},               // nil, unused, false, true
      {1},       {2},       {4},                      // bin
      {1, 1},    {2, 1},    {4, 1},                   // ext
      {0, 4},    {0, 8},                              // float
      {0, 1},    {0, 2},    {0, 4}, {0, 8},           // uint
      {0, 1},    {0, 2},    {0, 4}, {0, 8},           // int
      {0, 2},    {0, 3},    {0, 5}, {0, 9}, {0, 17},  // fixext
      {1},       {2},       {4},                      // str
      {2, 0, 1}, {4, 0, 1},                           // array
      {2, 0, 2}, {4, 0, 2},                           // map
  }};
  if (first < 0x80 || first >= 0xe0) return {};
  if (first < 0x90) return {0, 0, 2, first & 0x0fU};
  if (first < 0xa0) return {0, 0, 1, first & 0x0fU};
  if (first < 0xc0) return {0, first & 0x1fU};
  return kForms.at(first - 0xc0U);
}

/// True if the MessagePack value at the start of `bytes` needs more bytes than there are.
bool ends_early(std::string_view bytes) {
  std::uint64_t awaited = 1;  // values; each takes at least one byte, so this ends with the bytes
  while (awaited > 0) {
    if (bytes.empty()) return true;
    const Form form = form_of(static_cast<unsigned char>(bytes.front()));
    bytes.remove_prefix(1);
    if (bytes.size() < form.size_bytes) return true;
    std::uint64_t units = form.units;
    for (std::size_t i = 0; i < form.size_bytes; ++i) units = units << 8 | static_cast<unsigned char>(bytes[i]);
    bytes.remove_prefix(form.size_bytes);
    const std::uint64_t skipped = form.fixed + (form.values_per_unit == 0 ? units : 0);
    if (bytes.size() < skipped) return true;
    bytes.remove_prefix(skipped);
    awaited += units * form.values_per_unit - 1;
  }
  return false;
}

}  // namespace

bool is_macaroon(std::string_view token) noexcept {
  return std::ranges::any_of(std::array<std::string_view, 3>{kVersion2, "fm1r_", "fm1a_"},
                             [&](std::string_view prefix) { return token.starts_with(prefix); });
}

bool is_truncated_macaroon(std::string_view token) {
  if (!token.starts_with(kVersion2)) return false;
  const std::string_view body = token.substr(kVersion2.size());
  const std::string bytes = decode_base64_prefix(body);
  if (bytes.empty()) return body.empty();
  if (static_cast<unsigned char>(bytes.front()) != kArrayOfFour) return false;
  return body.size() % 4 != 0 || ends_early(bytes);
}

}  // namespace midair::host
