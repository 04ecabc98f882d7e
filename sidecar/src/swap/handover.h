/// @file
/// The handover strategy: a new process beside the old one on the same listening sockets; the old one drains.
#pragma once

#include <memory>
#include <optional>

#include "loop/event_loop.h"
#include "process/readiness.h"
#include "process/supervisor.h"
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
    std::chrono::milliseconds probation{std::chrono::seconds(10)};
  };

  Handover(EventLoop& loop, Supervisor& supervisor, ReleaseRef base_image, Settings settings);

  /// Tells which generation serves, before the first swap and after nothing else changed it.
  void serve_with(const Generation& generation);
  /// At boot: `candidate` was started in place of `fallback`; resume() is called next.
  void adopt_candidate(const Generation& candidate, const ReleaseRef& fallback);

  /// The code that serves was published again under another name: it is known by that name from now on.
  void rename_serving(const std::string& version, const std::string& hot_ref, std::uint64_t sequence);

  /// The machine stops: nothing is started, judged or brought back any more.
  void stop_watching();

  /// What runs for the clients now.
  [[nodiscard]] unsigned serving() const { return serving_; }
  [[nodiscard]] const ReleaseRef& serving_release() const { return serving_release_; }
  [[nodiscard]] unsigned candidate() const { return candidate_; }
  /// What a roll back would bring back.
  [[nodiscard]] const ReleaseRef& fallback_release() const { return fallback_; }

  /// A generation ended while it was being brought back; true if it was one of these.
  bool fallback_exited(unsigned generation, const std::string& how);

  void prepare(const StagedRelease& release, StepDone done) override;
  void suspend(StepDone done) override;
  void migrate(StepDone done) override;
  void resume(StepDone done) override;
  void undo(StepDone done) override;
  void roll_back(StepDone done) override;
  [[nodiscard]] std::string observed_digest() const override { return observed_; }

 private:
  void watch_candidate(const StepDone& done);
  void check_health(const StepDone& done);
  void bring_back(const ReleaseRef& release, const StepDone& done);
  void fallback_failed(const Error& error);
  void observe(const std::string& named_release);
  [[nodiscard]] ReadyCheck check_for_fallback() const;

  EventLoop& loop_;
  Supervisor& supervisor_;
  const ReleaseRef base_image_;
  const Settings settings_;

  unsigned serving_ = 0;
  ReleaseRef serving_release_;
  unsigned candidate_ = 0;  ///< 0: none
  ReleaseRef candidate_release_;
  ReleaseRef fallback_;
  bool fallback_said_ready_ = false;  ///< if it never did before, it isn't asked to on its return
  StepDone bringing_back_;            ///< set while a fallback starts
  std::string observed_;
  std::optional<Readiness> readiness_;
  std::optional<Readiness> health_;
  unsigned unhealthy_ = 0;        ///< failed checks in a row
  std::optional<Error> illness_;  ///< what the last check found, if it failed
  EventLoop::Timer probation_;
  EventLoop::Timer next_check_;
};

}  // namespace midair
