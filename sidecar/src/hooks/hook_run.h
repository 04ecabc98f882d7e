/// @file
/// One call of a hook, seen from the sidecar.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hooks/hook_message.h"
#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "process/child.h"

namespace midair::sidecar {

/// Runs a hook in a worker process of its own, which is killed at the deadline, and with this object. On the loop
/// thread. The worker gets nothing of the sidecar: no descriptors but its channel, no environment.
class HookRun {
 public:
  /// What the function returned; nothing if the script has no such function. Errc::refused with the script's message
  /// and traceback, Errc::timeout, or Errc::unavailable if the worker ended without a word. Called once, never from
  /// inside the constructor; may destroy this object.
  using Done = std::function<void(Result<std::optional<std::vector<Poco::Dynamic::Var>>>)>;

  HookRun(EventLoop& loop, const HookCall& call, std::chrono::milliseconds limit, Done done);
  HookRun(const HookRun&) = delete;
  HookRun& operator=(const HookRun&) = delete;

 private:
  [[nodiscard]] Result<void> start(const HookCall& call);
  void receive();
  [[nodiscard]] bool take(std::string_view line);
  void conclude(Result<std::optional<std::vector<Poco::Dynamic::Var>>> result);

  EventLoop& loop_;
  const std::string function_;
  Done done_;
  Fd channel_;
  std::optional<Child> worker_;
  std::string buffer_;
  std::size_t received_ = 0;
  EventLoop::Timer limit_;
  EventLoop::Watch watch_;
};

}  // namespace midair::sidecar
