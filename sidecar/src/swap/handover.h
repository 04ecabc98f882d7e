/// @file
/// The handover strategy: a new process beside the old one on the same listening sockets; the old one drains.
#pragma once

#include <optional>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
#include "swap/fallback.h"
#include "swap/probation.h"
#include "swap/serving.h"
#include "swap/strategy.h"

namespace midair {

/// Swaps by replacing the process. Needs of the app: socket activation, and an end in good order on SIGTERM.
///
/// State passes from the old process to the new through descriptors that the old one stored (FDSTORE=1): the new one
/// finds them open from its first instruction, so suspend() and migrate() have nothing left to do here.
class Handover final : public Strategy {
 public:
  struct Settings {
    ReadyCheck ready;
    std::chrono::milliseconds ready_timeout{std::chrono::seconds(60)};
  };

  Handover(EventLoop& loop, Supervisor& supervisor, Serving& serving, Probation& probation, Fallback& fallback,
           Settings settings);

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override;
  void migrate(StepDone done) override;
  void resume(StepDone done) override;
  void undo(StepDone done) override;
  void roll_back(StepDone done) override;
  void committed() override {}
  void stop_watching() override;
  [[nodiscard]] const SwapReport& report() const override { return report_; }

 private:
  void watch_candidate(StepDone done);
  void observe(const std::string& named_release);

  EventLoop& loop_;
  Supervisor& supervisor_;
  Serving& serving_;
  Probation& probation_;
  Fallback& fallback_;
  const Settings settings_;
  SwapReport report_;
  std::optional<Readiness> readiness_;
};

}  // namespace midair
