/// @file
/// Tells the store what runs here and how upgrades went.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "midair/backoff.h"
#include "midair/clock.h"
#include "midair/release/layout.h"
#include "midair/release/machine_state.h"
#include "midair/store/object_store.h"
#include "release/trust_policy.h"

namespace midair::sidecar {

/// Keeps the newest report for each key in memory until the store has it. A report never fails, delays or rolls back an
/// upgrade: result() and record() only take a short lock, and a report that can't be sent is sent again later.
class Reporter {
 public:
  /// `store` and `clock` must outlive the reporter.
  Reporter(ObjectStore& store, const std::string& app, Identity identity, const Clock& clock = system_clock());

  /// Reports how an upgrade goes or went; replaces what was said of it before. Fills in machine_id and region.
  /// Thread-safe.
  void result(const std::string& upgrade_id, UpgradeResult result);

  /// Reports what runs here. Fills in machine_id, region, process_group, base_image_ref and updated_at. Thread-safe.
  void record(MachineRecord record);

  /// Sends what is due, oldest first, until all is sent or one fails. Returns when to come again (backoff with full
  /// jitter, at most a minute unless the server asks for more), or nothing if all is sent. For the store thread.
  std::optional<std::chrono::milliseconds> flush(const CallLimits& limits);

  /// `wake` is called, on the reporting thread, whenever there is something new to send; null to call nobody. It must
  /// return at once and not call back.
  void on_news(std::function<void()> wake);

 private:
  struct Report {
    std::string key, text;
    std::uint64_t number = 0;  ///< which call brought it: tells whether it is still the newest after it was sent
  };

  void enqueue(std::string key, std::string text);
  [[nodiscard]] std::optional<Report> oldest() const;
  void done(const Report& sent);
  void postpone(const Report& failed);
  [[nodiscard]] std::chrono::milliseconds back_off(const Error& error);

  // Constant after construction.
  ObjectStore& store_;
  const StoreLayout layout_;
  const Identity identity_;
  const Clock& clock_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::deque<Report> reports_;
  std::uint64_t reported_ = 0;
  std::function<void()> wake_;

  // Owned by the store thread.
  Backoff backoff_;
  bool failing_ = false;
  BootTime not_before_{};
};

}  // namespace midair::sidecar
