/// @file
/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as a stop request.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>
#include <vector>

#include "midair/error.h"

namespace midair::host {

/// While it lives, the first SIGINT, SIGTERM, SIGHUP or SIGQUIT requests a stop, the second ends the process with
/// status 130 at once; SIGHUPs don't count. A SIGHUP or SIGQUIT that was ignored before stays so. SIGPIPE is ignored
/// from then on. At most one may live at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  /// What the first signal does.
  void request_stop() { source_.request_stop(); }

 private:
  std::stop_source source_;
  std::vector<int> handled_{SIGINT, SIGTERM};
  std::thread watcher_;  // turns the handler's byte into the request: callbacks must not run in a signal handler
};

}  // namespace midair::host
