/// @file
/// SHA-256 by OpenSSL's EVP interface (FIPS 180-4).
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair {

/// Lower-case hex of `bytes`.
[[nodiscard]] std::string to_hex(std::string_view bytes);

/// True for exactly 64 lower-case hex digits, the only spelling of a digest that Midair accepts.
[[nodiscard]] bool is_sha256_hex(std::string_view text) noexcept;

/// A running SHA-256. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of all that was given so far as 64 lower-case hex digits; starts over.
  [[nodiscard]] std::string finish_hex();
  /// The same as 32 raw bytes; starts over.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256 of `bytes` in hex.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// SHA-256 in hex of the first `size` bytes of `fd`, read with pread (the offset stays). Errc::corrupt if the
/// file is shorter or longer than `size`, Errc::cancelled soon after a stop is requested.
[[nodiscard]] Result<std::string> sha256_of_fd(int fd, std::uint64_t size, const std::string& subject,
                                               const std::stop_token& stop = {});

}  // namespace midair
