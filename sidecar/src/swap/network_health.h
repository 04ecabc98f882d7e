/// @file
/// Health as the ready check asks for it: over the network.
#pragma once

#include <optional>

#include "process/readiness.h"
#include "swap/strategy.h"

namespace midair::sidecar {

/// Makes the ready check of a generation again. On the loop thread.
class NetworkHealth {
 public:
  NetworkHealth(EventLoop& loop, Supervisor& supervisor, ReadyCheck check)
      : loop_(loop), supervisor_(supervisor), check_(std::move(check)) {}

  /// False where the ready check is what a new process does once.
  [[nodiscard]] bool can_be_asked() const {
    return check_.kind == ReadyCheck::Kind::http || check_.kind == ReadyCheck::Kind::tcp;
  }
  /// Answers within a second. Another question, or the destruction, cancels this one.
  void ask(unsigned generation, StepDone answer) {
    question_.emplace(loop_, supervisor_, generation, check_, false, std::chrono::seconds(1),
                      [this, answer = std::move(answer)](Result<std::string> healthy) {
                        question_.reset();
                        if (!healthy) return answer(std::move(healthy).error());
                        answer({});
                      });
  }

 private:
  EventLoop& loop_;
  Supervisor& supervisor_;
  const ReadyCheck check_;
  std::optional<Readiness> question_;
};

}  // namespace midair::sidecar
