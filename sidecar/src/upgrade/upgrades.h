/// @file
/// Which pointer leads to a swap, and what its outcome means for the next one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "loop/event_loop.h"
#include "midair/backoff.h"
#include "process/supervisor.h"
#include "release/trust_policy.h"
#include "state/attempts.h"
#include "state/state_dir.h"
#include "status/announcer.h"
#include "swap/serving.h"
#include "swap/swap_machine.h"
#include "watch/store_thread.h"

namespace midair::sidecar {

/// Decides about upgrades while the app runs. On the loop thread.
class Upgrades {
 public:
  /// So many swaps in a row give way to a newer release; the next runs to its end, however often one is published.
  static constexpr unsigned kMostSuperseded = 3;

  /// All must outlive the object.
  struct Parts {
    EventLoop& loop;
    StateDir& dir;
    Supervisor& supervisor;
    Serving& serving;
    Attempts& attempts;
    SwapMachine& swap;
    StoreThread& store_thread;
    Announcer& announcer;
  };
  explicit Upgrades(const Parts& parts) : parts_(parts) {}

  /// The app runs: from now on what the pointer names is swapped in.
  void begin();
  /// The machine stops: nothing new begins, and the try that this ends doesn't count. Before the swap is told.
  void stop();

  /// What the pointer was found to mean at boot.
  void remember(const Decision& decision);
  /// What the pointer means has changed, or has to be thought about again.
  void decided(const Decision& decision);
  /// The pointer must not be followed.
  void rejected(const Rejection& rejection);
  /// What this machine should run by what the pointer was found to mean: its target; where that may not be tried, or
  /// not yet, and nothing is committed here, the last good release; nothing otherwise. Never one of `but`.
  [[nodiscard]] std::optional<Target> wanted(const std::set<std::string>& but = {});
  /// That last good release, under these conditions.
  [[nodiscard]] std::optional<Target> stand_in(const std::set<std::string>& but = {});
  /// Says again that and why that upgrade is refused on this machine: who said it first may have died over it.
  void refuse_again(const Target& target);
  /// False if that upgrade is refused on this machine; that is reported once it has been tried often enough.
  [[nodiscard]] bool may_try(const Target& target);

  /// A swap entered a state.
  void entered(SwapState state);
  /// A swap is over.
  void finished(const SwapOutcome& outcome);

 private:
  void overtake();
  void tell_of_refusal();
  [[nodiscard]] bool is_here(const Target& target) const;
  [[nodiscard]] bool may_run(const Target& target, const std::set<std::string>& but);
  void consider();
  void report(const Target& target, UpgradeStatus status, const std::string& why);
  [[nodiscard]] UpgradeResult pending(const Target& target) const;
  /// This disk takes no record of the upgrade: nothing is risked, it is tried again later.
  void put_off(const Target& target, const Error& error);
  void adopt(const Target& target);
  void completed(const SwapOutcome& outcome);
  void collect_garbage();
  /// It was aborted for a newer one.
  void give_way(const SwapOutcome& outcome, UpgradeResult& result);
  void failed(const SwapOutcome& outcome, UpgradeResult& result);
  /// Sees to the next try, and makes the result one that says so.
  void retry_later(const std::string& upgrade_id, const Error& error, UpgradeResult& result);

  const Parts parts_;
  bool running_ = false;  ///< the app runs, and nobody wants it to stop
  bool ending_ = false;
  std::optional<Decision> decision_;
  unsigned superseded_ = 0;  ///< swaps in a row that gave way
  Backoff retry_delay_{{.first = std::chrono::seconds(5), .highest = std::chrono::minutes(5)}};
  std::map<std::string, EventLoop::Timer> retries_;  ///< by the upgrade that waits for its next try
  std::string failed_of_;                            ///< the upgrade that was put off last
  std::string failure_;                              ///< and why
};

}  // namespace midair::sidecar
