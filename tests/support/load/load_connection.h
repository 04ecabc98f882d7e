/// @file
/// A strict HTTP/1.1 client over one blocking socket: whatever is cut short is an error, and nothing is retried here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "midair/error.h"
#include "midair/fd.h"

namespace midair {

/// A whole answer that was received to its last byte.
struct LoadAnswer {
  int status = 0;
  std::string version;  ///< the value of the header that names the app's version
  std::uint64_t body_bytes = 0;
  bool closes = false;                     ///< the server will close the connection
  std::chrono::nanoseconds longest_gap{};  ///< the longest wait between two arrivals of bytes, the first included
};

/// One connection to a server on a local address. Not thread-safe.
class LoadConnection {
 public:
  using Clock = std::chrono::steady_clock;

  /// Connects within `timeout`; every later wait for bytes has the same limit.
  static Result<LoadConnection> open(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout);

  /// Sends `request` (head and body) and reads its whole answer. `version_header` in lower case. After an error the
  /// connection is of no use.
  Result<LoadAnswer> exchange(std::string_view request, std::string_view version_header);

  /// The server has closed, or sent what nobody asked for: do not send on it.
  [[nodiscard]] bool stale() const;

  /// The last exchange() failed before a single byte of its answer came.
  [[nodiscard]] bool unanswered() const { return unanswered_; }

 private:
  LoadConnection(Fd socket, std::chrono::milliseconds timeout) : socket_(std::move(socket)), timeout_(timeout) {}

  Result<void> send(std::string_view bytes);
  Result<void> receive();
  Result<std::string> read_line();
  Result<void> skip(std::uint64_t bytes, LoadAnswer& answer);
  Result<void> skip_chunks(LoadAnswer& answer);

  Fd socket_;
  std::chrono::milliseconds timeout_;
  std::string buffer_{};  // received and not yet consumed
  Clock::time_point last_arrival_{};
  std::chrono::nanoseconds longest_gap_{};
  bool unanswered_ = false;
};

}  // namespace midair
