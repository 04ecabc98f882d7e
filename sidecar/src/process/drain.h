/// @file
/// When a generation that gets no new connections any more may be asked to end.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "connections/idle_closer.h"
#include "loop/event_loop.h"
#include "sockets/app_sockets.h"

namespace midair::sidecar {

/// Follows one generation from the moment in which it gets no new connections any more, and says when it has finished
/// what it had begun. On the loop thread.
class Drain {
 public:
  struct Settings {
    std::optional<std::chrono::milliseconds> close_idle;  ///< after the switch; nothing: never
    GenerationProcesses processes;
  };

  /// Begins to look at its connections, too. All must outlive it.
  Drain(EventLoop& loop, SocketDiag& diag, const AppSockets& sockets, unsigned generation, Settings settings);
  /// Knows of the queues of its sockets only.
  Drain(EventLoop& loop, const AppSockets& sockets, unsigned generation)
      : loop_(loop), sockets_(sockets), generation_(generation) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// Calls `finished` once, from the loop: as soon as nobody waits in its queues, and nothing is under way on its
  /// connections and none of them streams, or when `limit` has passed. It may destroy this object.
  void when_finished(std::chrono::milliseconds limit, std::function<void()> finished);

  /// What its connections were doing when they were last looked at; nothing before, or if they aren't.
  [[nodiscard]] const std::optional<IdleCloser::Report>& report() const { return report_; }

 private:
  void consider();
  void finish();

  EventLoop& loop_;
  const AppSockets& sockets_;
  const unsigned generation_;
  std::optional<IdleCloser> closer_;
  std::optional<IdleCloser::Report> report_;
  std::function<void()> finished_;
  EventLoop::Timer limit_;
  EventLoop::Timer next_;
};

}  // namespace midair::sidecar
