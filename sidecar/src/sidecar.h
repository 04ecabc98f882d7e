/// @file
/// The sidecar: puts the parts together, and hands each event to whom it concerns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boot/boot.h"
#include "control/control_server.h"
#include "hooks/hooks.h"
#include "loop/event_loop.h"
#include "loop/watchdog.h"
#include "options.h"
#include "output/output_tap.h"
#include "process/signals.h"
#include "process/supervisor.h"
#include "release/stager.h"
#include "release/tarball_source.h"
#include "sockets/app_sockets.h"
#include "state/attempts.h"
#include "status/announcer.h"
#include "status/control_answers.h"
#include "swap/hooked_strategy.h"
#include "swap/network_health.h"
#include "swap/service_check.h"
#include "swap/strategy_choice.h"
#include "swap/swap_machine.h"
#include "upgrade/upgrades.h"
#include "watch/reporter.h"
#include "watch/store_thread.h"

namespace midair::sidecar {

/// One run of the sidecar. Two threads: the loop (everything here) and the store thread (StoreThread), which has one
/// more while a release is staged; at boot, until the store has answered, one more that asks it.
class Sidecar {
 public:
  /// `clock` must outlive it.
  explicit Sidecar(RunOptions options, const WaitingClock& clock = waiting_system_clock());
  ~Sidecar();

  /// Runs until the app has ended; returns the exit status: the app's own, or one of sysexits.h if it could not be run.
  [[nodiscard]] int run();

 private:
  // Putting together, in this order.
  Result<void> set_up();
  void check_disk();
  Result<void> open_control();
  Result<void> open_sockets();
  void make_app_parts();
  void make_swap_parts();
  void make_store_thread();
  void make_deciders();
  /// What is asked of new code in probation.
  [[nodiscard]] std::vector<HealthCheck> health_checks();
  void watch_over_loop();

  // Events.
  void on_signal(int signo);
  void pass_to_app(int signo);
  void on_exit(Generation& generation, const ExitStatus& status);
  /// How it ended; with what may have kept it from listening, if it ended badly before it was ready.
  [[nodiscard]] std::string how_it_ended(const Generation& generation) const;
  void on_staged(Result<StagedRelease> release);
  void on_finished(const SwapOutcome& outcome);
  void give_up(const Error& error, int status);

  /// The record says once a minute what old processes do, while there are any.
  void tell_of_drains();
  void begin_ending();
  void leave_when_empty();

  const RunOptions options_;
  const WaitingClock& clock_;
  const std::string booted_at_;
  const ReleaseRef base_image_;

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<SignalWatch> signals_;
  std::unique_ptr<StateDir> dir_;
  std::unique_ptr<ObjectStore> store_;
  std::optional<Attempts> attempts_;
  DigestTrustPolicy policy_;
  std::unique_ptr<AppSockets> sockets_;
  std::unique_ptr<OutputTap> output_;
  std::unique_ptr<TarballSource> source_;
  std::unique_ptr<WritableLinks> links_;
  std::unique_ptr<Stager> stager_;
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<Supervisor> supervisor_;
  Serving serving_{[this](unsigned generation) { sockets_->serve_with(generation); }};
  std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<Hooks> hooks_;
  std::unique_ptr<NetworkHealth> network_health_;
  std::unique_ptr<ServiceCheck> service_check_;
  std::unique_ptr<Watchdog> watchdog_;
  std::unique_ptr<Probation> probation_;
  std::unique_ptr<StateTransfer> transfer_;
  std::unique_ptr<Fallback> fallback_;
  std::unique_ptr<StrategyChoice> choice_;
  std::unique_ptr<HookedStrategy> strategy_;
  std::unique_ptr<SwapMachine> swap_;
  std::unique_ptr<StoreThread> store_thread_;
  std::unique_ptr<Upgrades> upgrades_;
  std::unique_ptr<Boot> boot_;
  std::unique_ptr<ControlAnswers> answers_;
  std::unique_ptr<ControlServer> control_;

  EventLoop::Timer drains_told_;
  bool ending_ = false;  ///< a stop signal came, or the app ended: nothing new begins
  int exit_status_ = 0;
};

}  // namespace midair::sidecar
