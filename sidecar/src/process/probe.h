/// @file
/// Asks an app whether it is there and well, without ever blocking the loop.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "loop/event_loop.h"

namespace midair::sidecar {

/// What one attempt found.
struct ProbeAnswer {
  bool ok = false;      ///< connected, and for HTTP answered 2xx or 3xx
  int http_status = 0;  ///< where there was an answer
  std::string release;  ///< value of the response's Midair-Release header; else empty
  std::string error;    ///< why it is not ok, in plain words; empty if ok
};

/// One attempt. It calls back exactly once, on the loop, never from within the call that made it, unless it is
/// destroyed before, which cancels it. It may be destroyed in its own callback. Must go before the loop.
///
/// A wildcard address is reached on loopback (Linux connects 0.0.0.0 and :: there).
class Probe {
 public:
  using OnAnswer = std::function<void(ProbeAnswer)>;
  /// Asked with the inode of the connection's server end once some process has accepted it: true if that was the one
  /// meant. If not, the attempt fails before the request is complete, so that no other process answers in its place.
  using AcceptedBy = std::function<bool(ino_t server_end)>;

  /// GET `path` with HTTP/1.1, `Connection: close`. `timeout` bounds it all: connect, send and the whole response head,
  /// which may have 16 KiB; the body is not read.
  [[nodiscard]] static Probe http(EventLoop& loop, const Poco::Net::SocketAddress& address, const std::string& path,
                                  std::chrono::milliseconds timeout, AcceptedBy accepted_by, OnAnswer on_answer);
  /// Connects and waits until it was accepted.
  [[nodiscard]] static Probe tcp(EventLoop& loop, const Poco::Net::SocketAddress& address,
                                 std::chrono::milliseconds timeout, AcceptedBy accepted_by, OnAnswer on_answer);

  /// No attempt.
  Probe();
  Probe(Probe&&) noexcept;
  Probe& operator=(Probe&&) noexcept;
  ~Probe();

 private:
  class Attempt;
  explicit Probe(std::unique_ptr<Attempt> attempt);

  std::unique_ptr<Attempt> attempt_;
};

}  // namespace midair::sidecar
