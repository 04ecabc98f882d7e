/// @file
/// Knowing of the *new* process that it is ready, although old and new share the listening sockets.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "loop/event_loop.h"
#include "process/probe.h"
#include "process/supervisor.h"

namespace midair::sidecar {

/// How an app tells that it is ready.
struct ReadyCheck {
  enum class Kind {
    notify,  ///< READY=1 on NOTIFY_SOCKET, from a process of the new session
    http,    ///< a 2xx or 3xx answer to GET `path`, on a connection that the new process accepted
    tcp,     ///< the new process accepts a connection
    alive,   ///< it lives for a second: all that can be asked of an app that never says more
  };
  Kind kind = Kind::notify;
  std::string path{};  ///< for http
};

/// Waits for one generation to become ready. Destruction cancels. On the loop thread.
///
/// http and tcp probes go to the first listening socket. Which process accepted a probe is read from the kernel: the
/// inode of the connection's server end, and the processes that hold it. A probe that another generation took is made
/// again.
class Readiness {
 public:
  /// `done` is called once from the loop: success with the release that the answer named in its `Midair-Release` header
  /// (may be empty), or Errc::timeout after `limit`, saying what was waited for.
  Readiness(EventLoop& loop, Supervisor& supervisor, unsigned generation, ReadyCheck check,
            std::chrono::milliseconds limit, std::function<void(Result<std::string>)> done);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  void look();
  void probe();
  void answered(const ProbeAnswer& answer);
  void conclude(Result<std::string> result);
  [[nodiscard]] Error timeout_error(std::chrono::milliseconds limit) const;

  EventLoop& loop_;
  Supervisor& supervisor_;
  const unsigned generation_;
  const ReadyCheck check_;
  const std::function<void(Result<std::string>)> done_;
  std::string last_problem_;
  EventLoop::Timer limit_;
  EventLoop::Timer next_;
  Probe probe_;
};

}  // namespace midair::sidecar
