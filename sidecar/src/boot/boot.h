/// @file
/// What runs first. Bounded: the store has a while to answer, then the machine starts with what it has.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "hooks/hooks.h"
#include "loop/event_loop.h"
#include "process/exit_status.h"
#include "process/supervisor.h"
#include "state/attempts.h"
#include "state/state_dir.h"
#include "status/announcer.h"
#include "swap/service_check.h"
#include "swap/serving.h"
#include "swap/swap_machine.h"
#include "upgrade/upgrades.h"
#include "watch/store_thread.h"

namespace midair::sidecar {

/// Starts the app: with the release that the pointer names, in probation; with the last good one where that can't be
/// and nothing is committed here; else with what is committed. On the loop thread; until the store has answered, one
/// more thread asks it.
class Boot {
 public:
  /// All must outlive the boot.
  struct Parts : Upgrades::Parts {
    Hooks& hooks;
    Upgrades& upgrades;
    ServiceCheck& service_check;
  };
  struct Settings {
    ReleaseRef base_image;
    std::chrono::milliseconds timeout{};  ///< for the store's answer
    std::chrono::milliseconds settle{};   ///< an end of what is committed counts as a bad start until then
  };
  /// Called if not even the base image can be started.
  using OnNotStarted = std::function<void(const Error&)>;

  Boot(const Parts& parts, Settings settings, OnNotStarted on_not_started)
      : parts_(parts), settings_(std::move(settings)), on_not_started_(std::move(on_not_started)) {}
  /// Waits for the thread that asks the store: stop that before.
  ~Boot();
  Boot(const Boot&) = delete;
  Boot& operator=(const Boot&) = delete;

  /// Begins. Precondition: what is committed is known.
  void begin();
  /// The machine stops: what wasn't started won't be.
  void stop();
  /// The end of StoreThread::stage(). Precondition: stages().
  void staged(const Result<StagedRelease>& release);
  /// True while a release is staged for it.
  [[nodiscard]] bool stages() const { return phase_ == Phase::staging || fallback_found_; }
  /// What was started failed, or something else did: calls `go_on` once it is settled what comes back. Where nothing is
  /// committed, so that only the base image could, that is the last good release, if it can be fetched soon.
  void find_fallback(std::function<void()> go_on);
  /// True once the app was started, or never will be.
  [[nodiscard]] bool over() const { return phase_ == Phase::over; }

  /// What serves has ended by itself.
  void app_ended(const ExitStatus& status);
  /// Something else was committed than was started.
  void settled() { settling_.reset(); }

 private:
  enum class Phase {
    asking,   ///< waiting for the store's answer, bounded
    staging,  ///< the release of this generation is fetched, bounded
    over,
  };

  void store_answered(const Result<std::optional<Decision>>& answer);
  void report_again(const Target& target);
  void install(const std::string& why_not);
  void pass_over(const std::string& why);
  void fallback_staged(const Result<StagedRelease>& release);
  void ask_hook(const StagedRelease& release);
  void start(const StagedRelease& release);
  void start_without(const std::string& why);
  void serve(const ReleaseRef& release);
  void let_settle(const ReleaseRef& release);
  void start_polling();

  const Parts parts_;
  const Settings settings_;
  const OnNotStarted on_not_started_;
  Phase phase_ = Phase::asking;
  bool polling_ = false;
  std::optional<EventLoop::Timer> limit_;     ///< of staging, whatever is staged
  std::string staged_;                        ///< the upgrade that is staged, or was
  std::set<std::string> passed_over_;         ///< upgrades that could not be started
  std::function<void()> fallback_found_;      ///< set while the last good release is staged to come back
  std::optional<EventLoop::Timer> settling_;  ///< while what is committed was started so lately that its end counts
  std::thread asker_;
};

}  // namespace midair::sidecar
