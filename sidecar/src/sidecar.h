/// @file
/// The sidecar: puts the parts together and decides what to run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "control/control_server.h"
#include "hooks/hooks.h"
#include "loop/event_loop.h"
#include "loop/watchdog.h"
#include "midair/release/machine_state.h"
#include "options.h"
#include "poller.h"
#include "process/signals.h"
#include "process/supervisor.h"
#include "report/reporter.h"
#include "state/attempts.h"
#include "state/backoff.h"
#include "state/journal.h"
#include "state/marker.h"
#include "swap/hooked_strategy.h"
#include "swap/network_health.h"
#include "swap/strategy_choice.h"
#include "swap/swap_machine.h"

namespace midair::sidecar {

/// One run of the sidecar. Two threads: the loop (everything here) and the store thread (Poller); at boot, until the
/// store has answered, one more that asks it.
class Sidecar {
 public:
  explicit Sidecar(RunOptions options);
  ~Sidecar();

  /// Runs until the app has ended; returns the exit status: the app's own, or one of sysexits.h if it could not be run.
  [[nodiscard]] int run();

 private:
  /// Where in its life the sidecar is.
  enum class Phase {
    asking,   ///< the app isn't started yet: waiting for the store's answer, bounded
    staging,  ///< not started yet: the release of this generation is fetched, bounded
    running,  ///< the app runs
    ending,   ///< a stop signal came, or the app ended: nothing new begins
  };

  Result<void> set_up();
  /// What is asked of new code in probation.
  [[nodiscard]] std::vector<HealthCheck> health_checks();
  void watch_over_loop();
  // Boot, in this order.
  void recover();
  void swap_was_interrupted(const JournalEntry& entry);
  void ask_store();
  void store_answered(const Result<std::optional<Decision>>& answer);
  void boot_start(const StagedRelease& release);
  void boot_staged(const StagedRelease& release);
  void boot_without(const std::string& why);
  /// What is committed ended soon after each of its last starts: the base image is what is left.
  void abandon_committed();
  void serve(const ReleaseRef& release);
  void start_polling();

  // Events.
  void on_signal(int signo);
  void on_exit(Generation& generation, const ExitStatus& status);
  void on_pointer(const Decision& decision);
  void on_staged(Result<StagedRelease> release);
  void on_state(SwapState state);
  void on_finished(const SwapOutcome& outcome);
  void on_lost(const Error& error);

  // Decisions.
  void consider();
  [[nodiscard]] bool may_try(const Target& target);
  /// This disk takes no record of the upgrade: nothing is risked, it is tried again later.
  void put_off(const Target& target, const Error& error);
  void adopt(const Target& target);
  void completed(const SwapOutcome& outcome);
  void collect_garbage();
  void failed(const SwapOutcome& outcome, UpgradeResult& result);
  void retry_later(const std::string& upgrade_id, const Error& error, UpgradeResult& result);
  /// What is committed ended by itself soon after it was started.
  void count_bad_start(const ExitStatus& status);
  void begin_ending();
  void leave_when_empty();

  // What others are told.
  void publish_record(const std::string& state);
  [[nodiscard]] UpgradeResult result_for(const Target& target, UpgradeStatus status) const;
  [[nodiscard]] std::string answer(const std::string& op);
  [[nodiscard]] std::string status_json() const;

  const RunOptions options_;
  const std::string booted_at_;
  const ReleaseRef base_image_;

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<SignalWatch> signals_;
  std::unique_ptr<StateDir> dir_;
  std::unique_ptr<ObjectStore> store_;
  DigestTrustPolicy policy_;
  std::unique_ptr<ListenSockets> sockets_;
  std::unique_ptr<Stager> stager_;
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<Supervisor> supervisor_;
  Serving serving_;
  std::unique_ptr<Hooks> hooks_;
  std::unique_ptr<NetworkHealth> network_health_;
  std::unique_ptr<Watchdog> watchdog_;
  std::unique_ptr<Probation> probation_;
  std::unique_ptr<StateTransfer> transfer_;
  std::unique_ptr<Fallback> fallback_;
  std::unique_ptr<Handover> handover_;
  std::unique_ptr<InPlace> in_place_;
  std::unique_ptr<StrategyChoice> choice_;
  std::unique_ptr<HookedStrategy> strategy_;
  std::unique_ptr<SwapMachine> swap_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<ControlServer> control_;
  std::thread asker_;  ///< asks the store at boot
  bool polling_ = false;

  Phase phase_ = Phase::asking;
  std::optional<Attempts> attempts_;
  ReleaseRef committed_;  ///< what the next start would run: the marker's release, or the base image
  std::optional<Decision> decision_;
  EventLoop::Timer boot_limit_;
  std::optional<EventLoop::Timer> settling_;  ///< while what is committed was started so lately that its end counts
  Backoff retry_delay_{std::chrono::seconds(5), std::chrono::minutes(5)};
  std::string retry_of_;  ///< the upgrade that waits for its next try
  EventLoop::Timer retry_;
  int exit_status_ = 0;
};

}  // namespace midair::sidecar
