/// @file
/// Asks an app whether it is there and well, without ever blocking the loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// What one attempt found.
struct ProbeAnswer {
  bool ok = false;      ///< connected, and for HTTP answered 2xx or 3xx
  int http_status = 0;  ///< where there was an answer
  std::string release;  ///< value of the response's Midair-Release header; else empty
  std::string error;    ///< why it is not ok, in plain words; empty if ok
};

/// What a probe asks an HTTP app.
struct ProbeRequest {
  std::string path;
  std::string host;                  ///< of the Host field
  std::vector<std::string> headers;  ///< further fields, "NAME: VALUE"
};

/// One attempt. It calls back exactly once, on the loop, never from within the call that made it, unless it is
/// destroyed before, which cancels it. It may be destroyed in its own callback. Must go before the loop.
///
/// It is given a connection that was begun (non-blocking) to whom it asks: see AppSockets::connect_to().
class Probe {
 public:
  using OnAnswer = std::function<void(ProbeAnswer)>;

  /// GET with HTTP/1.1, `Connection: close`. `timeout` bounds it all: connect, send and the whole response head, which
  /// may have 16 KiB; the body is not read.
  [[nodiscard]] static Probe http(EventLoop& loop, Result<Fd> connection, const ProbeRequest& request,
                                  std::chrono::milliseconds timeout, OnAnswer on_answer);
  /// Waits until the connection was taken from the queue.
  [[nodiscard]] static Probe tcp(EventLoop& loop, Result<Fd> connection, std::chrono::milliseconds timeout,
                                 OnAnswer on_answer);

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
