/// @file
/// A path as the address of a Unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "midair/error.h"

namespace midair::sidecar {

/// What bind() and connect() want.
class UnixAddress {
 public:
  explicit UnixAddress(const std::string& path) {
    address_.sun_family = AF_UNIX;
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const { return sizeof address_; }

  static constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

 private:
  sockaddr_un address_{};
};

/// Errc::bad_input if the path is longer than a Unix socket's may be (107 bytes, unix(7)).
[[nodiscard]] inline Result<UnixAddress> unix_address(const std::filesystem::path& path) {
  if (path.string().size() > UnixAddress::kMaxPath)
    return Error{Errc::bad_input, "use the socket path", path.string(), "it is longer than 107 bytes",
                 "choose a shorter --state-dir or --control"};
  return UnixAddress(path.string());
}

}  // namespace midair::sidecar
