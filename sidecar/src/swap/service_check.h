/// @file
/// Whether what was started without being judged, as the base image is, serves anybody at all.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
#include "swap/serving.h"

namespace midair::sidecar {

/// Makes the ready check of a generation once it has had its time to become ready, and warns if it fails, with the
/// likely cause. Nothing else follows from it. On the loop thread.
class ServiceCheck {
 public:
  /// `interval` passes before the first check, and between two as long as they fail.
  ServiceCheck(EventLoop& loop, Supervisor& supervisor, const Serving& serving, ReadyCheck check,
               std::chrono::milliseconds interval)
      : loop_(loop), supervisor_(supervisor), serving_(serving), check_(std::move(check)), interval_(interval) {
    check_.alive_for = {};  // it has lived for the interval
  }

  /// Begins to watch the process that serves now, until it passes or no longer serves.
  void begin();
  /// Why it is believed that nobody is served; empty: it isn't.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void wait();
  void ask();
  /// Null once it no longer serves.
  [[nodiscard]] const Generation* watched() const;
  void judge(const Result<std::string>& ready);

  EventLoop& loop_;
  Supervisor& supervisor_;
  const Serving& serving_;
  ReadyCheck check_;
  const std::chrono::milliseconds interval_;
  unsigned generation_ = 0;
  std::string problem_;
  EventLoop::Timer next_;
  std::optional<Readiness> question_;
};

}  // namespace midair::sidecar
