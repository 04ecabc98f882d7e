/// @file
/// Tokens that are well-formed and open nothing.
#pragma once

#include <openssl/evp.h>

#include <string>

namespace midair {

/// A macaroon as Fly's are made: [[key id, nonce, false], location, caveats, tail]. Different `seed`, different token.
inline std::string sample_macaroon(char seed = 'x') {
  using namespace std::string_literals;
  const std::string bytes = "\x94\x93\xc4\x08\0\0\0\0\0\0\0\1\xc4\x10"s + std::string(16, seed) + "\xc2"s +
                            "\xb5https://api.fly.io/v1"s + "\x92\x04\x92\xce\x65\x00\x00\x00\xcf\0\0\0\0\x65\0\1\0"s +
                            "\xc4\x20"s + std::string(32, seed);
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and its terminating zero
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return "fm2_" + text;
}

}  // namespace midair
