/// @file
/// Knowing of the *new* process that it is ready, although old and new share the listening sockets.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "loop/event_loop.h"
#include "process/probe.h"
#include "process/supervisor.h"

namespace midair::sidecar {

/// How an app tells that it is ready.
struct ReadyCheck {
  enum class Kind {
    automatic,  ///< it listens wherever clients are served, and takes a connection; see Readiness
    http,       ///< a 2xx or 3xx answer to GET `path`
    tcp,        ///< it takes a connection
  };
  Kind kind = Kind::automatic;
  std::string path{};                                            ///< for http
  std::string host{};                                            ///< for http: the Host field; empty: the address
  std::vector<std::string> headers{};                            ///< for http: further fields, "NAME: VALUE"
  std::chrono::milliseconds alive_for{std::chrono::seconds(5)};  ///< for automatic
};

/// Waits for one generation to become ready. Destruction cancels. On the loop thread.
///
/// Probes reach that generation alone (AppSockets::connect_to()), whoever serves. None is made before it listens at
/// each address where clients are served; that isn't asked of an app that leaves descriptors to its successor, which
/// may wait until its predecessor has ended. `automatic` asks of it:
/// - READY=1 (sd_notify(3)), if it `must_say_ready`, as the code that serves did;
/// - to take a connection, unless it may wait;
/// - where there is no such address, READY=1 or to live for `alive_for`.
class Readiness {
 public:
  /// `done` is called once from the loop: success with the release that the answer named in its `Midair-Release` header
  /// (may be empty), or Errc::timeout after `limit`, saying what was waited for, or why it never will be ready.
  Readiness(EventLoop& loop, Supervisor& supervisor, unsigned generation, ReadyCheck check, bool must_say_ready,
            std::chrono::milliseconds limit, std::function<void(Result<std::string>)> done);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  void look();
  void look_soon();
  void look_automatically(const Generation& generation);
  [[nodiscard]] std::string unheard_address() const;
  void probe();
  void answered(const ProbeAnswer& answer);
  void not_yet(std::string why);
  void conclude(Result<std::string> result);
  [[nodiscard]] Error timeout_error(std::chrono::milliseconds limit) const;

  EventLoop& loop_;
  Supervisor& supervisor_;
  const unsigned generation_;
  const ReadyCheck check_;
  const bool must_say_ready_;
  const std::function<void(Result<std::string>)> done_;
  const BootTime began_;
  std::string last_problem_;
  std::chrono::milliseconds pause_;  ///< before the next look
  EventLoop::Timer limit_;
  EventLoop::Timer next_;
  Probe probe_;
};

}  // namespace midair::sidecar
