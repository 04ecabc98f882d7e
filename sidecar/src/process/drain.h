/// @file
/// When a generation that gets no new connections any more may be asked to end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "connections/idle_closer.h"
#include "loop/event_loop.h"
#include "sockets/app_sockets.h"

namespace midair::sidecar {

/// Follows the connections of one generation from the switch on, and says when it has finished what it had begun. On
/// the loop thread.
class Drain {
 public:
  struct Settings {
    std::optional<std::chrono::milliseconds> close_idle;  ///< after the switch; nothing: never
    GenerationProcesses processes;
  };

  /// Begins to look. `diag` may be null where the kernel has none: then nothing is closed, and only the queues of its
  /// sockets are known. All must outlive it.
  Drain(EventLoop& loop, SocketDiag* diag, const AppSockets& sockets, unsigned generation, Settings settings);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// Calls `finished` once, from the loop: as soon as nothing is under way on its connections, nobody waits in its
  /// queues and none of them streams, or when `limit` has passed. It may destroy this object.
  void when_finished(std::chrono::milliseconds limit, std::function<void()> finished);

  /// What its connections were doing when they were last looked at.
  [[nodiscard]] const IdleCloser::Report& report() const { return report_; }

 private:
  void looked(const IdleCloser::Report& report);
  void look_at_queues();
  void finish();

  EventLoop& loop_;
  const AppSockets& sockets_;
  const unsigned generation_;
  std::optional<IdleCloser> closer_;
  IdleCloser::Report report_;
  bool is_known_ = false;  ///< the report is of a look
  std::function<void()> finished_;
  EventLoop::Timer limit_;
  EventLoop::Timer next_;
};

}  // namespace midair::sidecar
