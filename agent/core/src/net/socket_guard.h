/// @file
/// Deadlines and cancellation of a socket's every wait.
#pragma once

#include <Poco/Exception.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "midair/call_timer.h"

namespace midair {

/// Thrown through Poco's streams when the caller asked to stop.
POCO_DECLARE_EXCEPTION(, StopRequested, Poco::RuntimeException)

/// How long the sockets of one connection may wait: for the phase that they are in and for the whole call. Outlives
/// them. Used by one thread at a time.
class SocketGuard {
 public:
  /// From here on waits belong to the call behind `timer`, which must outlive them, and nothing was received yet.
  void begin_call(const CallTimer& timer);
  /// The coming waits together may take this long; `phase` says in an error what did not happen in time.
  void begin_phase(std::string phase, std::chrono::milliseconds patience);
  /// Each received piece starts the phase's time anew: a stall, not the size, ends it.
  void renew_on_progress() { renew_ = true; }

  /// Waits until `fd` is ready for `events`. Throws Poco::TimeoutException or StopRequested.
  void wait(int fd, short events) const;

  /// Notes that `bytes` came in, or with 0 that the peer has ended the connection.
  void on_received(int bytes);
  /// Bytes received since begin_call().
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool stopped() const { return timer_->stop().stop_requested(); }

 private:
  const CallTimer* timer_ = nullptr;
  std::string phase_;
  std::chrono::milliseconds patience_{};
  std::chrono::nanoseconds phase_end_{};  ///< in terms of timer_->remaining(), which falls
  bool renew_ = false;
  std::uint64_t received_ = 0;
  bool ended_ = false;
};

}  // namespace midair
