/// @file
/// New tokens before the old ones end, in processes that live long enough to need them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "midair/call_limits.h"
#include "midair/clock.h"
#include "midair/error.h"

namespace midair::host::tokens {

/// When tokens are renewed.
struct RenewalTimes {
  std::chrono::milliseconds before_expiry = std::chrono::hours(1);
  std::chrono::milliseconds settle =
      std::chrono::minutes(1);  ///< not sooner after schedule(): a command is gone by then
  std::chrono::milliseconds retry = std::chrono::minutes(5);       ///< after a failure
  std::chrono::milliseconds look_again = std::chrono::minutes(1);  ///< waits don't count a machine's suspension
};

/// Calls for a renewal of each token an hour before it expires, from a thread of its own that starts with the first
/// schedule(). Thread-safe.
class Renewer {
 public:
  using Renew = std::function<Result<void>(const std::string& app, const CallLimits& limits)>;

  /// Keeps a reference to `clock`.
  Renewer(Renew renew, const Clock& clock, RenewalTimes times = {});
  ~Renewer() { stop(); }

  /// Replaces what was scheduled for `app`.
  void schedule(const std::string& app, WallTime expires_at);
  /// Ends a renewal under way, and waits for the thread.
  void stop() noexcept;

 private:
  struct Plan {
    BootTime due;
    WallTime expires_at;
  };

  void run(const std::stop_token& stop);
  /// The app that is due, or an empty string: then waits for one, a while.
  std::string next(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void renew(const std::string& app, const std::stop_token& stop);

  const Renew renew_;
  const Clock& clock_;
  const RenewalTimes times_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Plan> plans_;  ///< guarded by mutex_
  bool stopped_ = false;               ///< guarded by mutex_
  std::jthread thread_;                ///< guarded by mutex_ until stopped_
};

}  // namespace midair::host::tokens
