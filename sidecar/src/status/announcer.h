/// @file
/// What the store is told of this machine.
#pragma once

#include <string>

#include "midair/clock.h"
#include "midair/release/machine_state.h"
#include "swap/serving.h"
#include "watch/reporter.h"

namespace midair::sidecar {

/// Words what runs here and how upgrades go, and hands it to the Reporter. On the loop thread.
class Announcer {
 public:
  /// The references must outlive the announcer. `booted_at`: RFC 3339.
  Announcer(const Identity& identity, std::string booted_at, const Serving& serving, const Supervisor& supervisor,
            Reporter& reporter, const Clock& clock)
      : base_image_ref_(identity.base_image_ref),
        booted_at_(std::move(booted_at)),
        serving_(serving),
        supervisor_(supervisor),
        reporter_(reporter),
        clock_(clock) {}

  /// The machine's record: what serves, or is to, and in which state the machine is.
  void record(MachineState state);
  /// Why nothing can be installed on this machine's disk; empty: it can. The record says so from now on.
  void disk_problem(const std::string& why);
  /// The beginning of a result: what it is about, and when it was so.
  [[nodiscard]] UpgradeResult result_for(const Target& target, UpgradeStatus status) const;
  /// The same state, with what has changed since: what drains.
  void record_again();
  /// A result, in place of what was said of that upgrade before.
  void result(const std::string& upgrade_id, const UpgradeResult& result) { reporter_.result(upgrade_id, result); }

 private:
  const std::string base_image_ref_;
  const std::string booted_at_;
  const Serving& serving_;
  const Supervisor& supervisor_;
  Reporter& reporter_;
  const Clock& clock_;
  MachineState state_ = MachineState::unknown;  ///< of the last record; unknown before the first
  std::string problem_;                         ///< of the disk
};

}  // namespace midair::sidecar
