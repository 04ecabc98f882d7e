/// @file
/// How code is swapped: the steps of the state table that differ from strategy to strategy.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loop/step_done.h"
#include "release/stager.h"

namespace midair::sidecar {

/// What was seen of the new code while it was swapped in.
struct SwapReport {
  std::string observed_digest{};  ///< of the release that it itself was seen to run; empty where that can't be seen
  std::vector<std::string> modules{};  ///< in-place: the names of those that were replaced
  std::uint64_t units_succeeded = 0;
  std::uint64_t units_failed = 0;
  /// How long callers were held. In-place: from the first gate closed to the last opened, by the app's own clock.
  /// Handover of a state: from asking the old to suspend until the new serves.
  std::optional<std::chrono::nanoseconds> suspended{};
  bool state_lost = false;  ///< in-place: the process that served ended of it, or had to be, and was started anew
};

/// One way to swap. All calls come on the loop thread, in the order of the state table. A step that is given up (its
/// deadline passed, the candidate died) is followed by undo() or roll_back(); its late StepDone is ignored, or never
/// called. Every other step is answered exactly once, also when the machine stops meanwhile.
class Strategy {
 public:
  virtual ~Strategy() = default;

  /// Brings the new code up beside the old until it is ready. The old serves on, untouched.
  virtual void prepare(const StagedRelease& release, StepDone done) = 0;
  /// Makes the old hold still where state has to be handed over.
  virtual void suspend(StepDone done) = 0;
  /// Hands the state over, into the new code's own copy.
  virtual void migrate(StepDone done) = 0;
  /// After the switch: the new code serves, the old drains. Ends when probation is passed, or with what went wrong.
  virtual void resume(StepDone done) = 0;
  /// Before the switch: stops the new code, lets the old go on. Where the old died of the attempt it is started anew;
  /// fails only if nothing serves any more.
  virtual void undo(StepDone done) = 0;
  /// After the switch: stops the new code and brings back what served before, else the base image.
  virtual void roll_back(StepDone done) = 0;
  /// The new code is committed: nothing will be rolled back, what was kept for it may go. Can't fail the swap.
  virtual void committed() = 0;
  /// The machine stops: nothing is started, judged or brought back any more. A step that goes on, or begins later, is
  /// answered all the same: undo() and roll_back() with success, the others with Errc::cancelled.
  virtual void stop_watching() = 0;

  /// True while that process, which serves, is held still for the swap: if it dies of that, its release is brought
  /// back, with its state if that was saved, and the machine goes on.
  [[nodiscard]] virtual bool holds(unsigned generation) const = 0;
  /// Once it is prepared: why the swap would change nothing this way; empty if it does.
  [[nodiscard]] virtual std::string why_in_vain() const = 0;

  /// Of the swap that is going on, or went on last.
  [[nodiscard]] virtual const SwapReport& report() const = 0;
};

}  // namespace midair::sidecar
