/// @file
/// The store thread: polls the pointer, has releases staged, sends reports.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "midair/backoff.h"
#include "midair/clock.h"
#include "midair/error.h"
#include "midair/store/object_store.h"
#include "release/stager.h"
#include "release/trust_policy.h"
#include "watch/pointer_watch.h"
#include "watch/reporter.h"
#include "watch/waiting_clock.h"

namespace midair::sidecar {

/// A pointer that must not be followed.
struct Rejection {
  Error error;
  Target named;                       ///< what it names, see PointerWatch::named(); empty if it is no pointer
  std::optional<Target> last_good{};  ///< what may run in its stead where nothing is committed
};

/// Owner of the thread that talks to the object store, so that nobody else ever waits for it, and of one more while a
/// release is staged: a large one must not keep a newer pointer from being seen. What they learn is delivered through
/// `post` (EventLoop::post), never called directly. The verbs are thread-safe and return at once, but for stop().
class StoreThread {
 public:
  /// All must be set.
  struct Events {
    /// The pointer was read for the first time or changed, and the policy accepts it.
    std::function<void(Decision, Etag)> on_pointer;
    /// The pointer was read, but is refused or no pointer at all. Not repeated while it stays the same.
    std::function<void(Rejection)> on_rejected;
    /// The end of stage(). Once for each call, but not after cancel_stage(), and not if a newer stage() replaced it.
    std::function<void(Result<StagedRelease>)> on_staged;
  };

  struct Settings {
    std::chrono::milliseconds interval{1000};                            ///< between polls, +-10 %
    std::chrono::milliseconds max_backoff = std::chrono::seconds(30);    ///< between polls that fail, full jitter
    std::chrono::milliseconds refresh = std::chrono::hours(1);           ///< between unconditional reads
    std::chrono::milliseconds call_deadline = std::chrono::seconds(10);  ///< for one poll or one flush of reports
    std::uint64_t highest_sequence = 0;  ///< the highest trusted so far; see reconsider()
  };

  /// What `status` shows.
  struct Status {
    std::string last_check;  ///< RFC 3339; empty before the first
    Etag etag;               ///< of the pointer that was read last
    std::string last_error;  ///< of the last poll; empty if it went well
    std::uint64_t polls = 0;
    std::uint64_t not_modified = 0;
    std::uint64_t errors = 0;
  };

  /// All references must outlive the store thread. The thread begins with start().
  StoreThread(ObjectStore& store, const TrustPolicy& policy, Stager& stager, Reporter& reporter, Identity identity,
              Settings settings, std::function<void(std::function<void()>)> post, Events events,
              const WaitingClock& clock = waiting_system_clock());
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  /// One poll on the caller's thread, for the bounded boot: before start() only. Nothing if no release was ever
  /// published. What it read is not delivered again by the thread unless it changes or reconsider() asks for it; a
  /// refused pointer is delivered to on_rejected too.
  /// stop() ends it from another thread.
  [[nodiscard]] Result<std::optional<Decision>> poll_once(std::chrono::milliseconds deadline);

  /// Starts the thread, which polls at once.
  void start();
  /// Polls now instead of at the next interval.
  void poll_now();
  /// Stages `target`; ends a staging that is under way for another.
  void stage(Target target);
  /// Ends the staging that is under way, if any. What is downloaded stays for the next try.
  void cancel_stage();
  /// Sets the highest trusted sequence and delivers the last pointer again, decided anew.
  void reconsider(std::uint64_t highest_sequence);
  /// Ends the thread and joins it, after a last short try to send the reports that are waiting. Within about a second,
  /// also while the store hangs. Nothing is delivered afterwards but what was already posted.
  void stop();

  [[nodiscard]] Status status() const;

 private:
  struct Staging {
    Target target;
    std::stop_token stop;
    std::uint64_t number = 0;
  };
  /// What was asked of the thread since it last looked.
  struct Requests {
    bool poll = false;
    bool flush = false;
    bool staged = false;  ///< the thread that stages has come to its end
    std::optional<std::uint64_t> reconsider;
    std::optional<Staging> stage;
    [[nodiscard]] bool any() const { return poll || flush || staged || reconsider || stage; }
  };
  /// Outlives the object in what it posted.
  struct Delivery {
    Events events;
    std::atomic<std::uint64_t> stage_number{0};  ///< the newest stage() or cancel_stage()
  };

  template <class Change>
  void ask(Change change);
  void run();
  [[nodiscard]] Requests wait();
  void poll();
  [[nodiscard]] Result<PointerWatch::Seen> read(std::chrono::milliseconds deadline);
  void went_well(PointerWatch::Seen seen);
  void went_wrong(const Error& error);
  [[nodiscard]] std::chrono::milliseconds jittered_interval();
  [[nodiscard]] Result<Decision> decide();
  void deliver_decision();
  void deliver_rejection(Rejection rejection);
  void begin_staging(const Staging& staging);
  void end_staging();
  void deliver_staged(const Staging& staging, Result<StagedRelease> staged);
  void flush(const CallLimits& limits);

  // Constant after construction, or thread-safe.
  Stager& stager_;
  Reporter& reporter_;
  const Settings settings_;
  const WaitingClock& clock_;
  const std::function<void(std::function<void()>)> post_;
  const std::shared_ptr<Delivery> delivery_;
  std::stop_source stop_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable asked_;
  Requests requests_;
  std::stop_source stage_stop_;
  Status status_;
  std::optional<WallTime> last_check_;

  // Owned by the store thread (by the caller of poll_once() before start()).
  PointerWatch watch_;
  Backoff backoff_;
  std::mt19937 generator_{std::random_device{}()};
  std::optional<Error> failure_;  ///< of the last poll
  std::string refusal_;           ///< why the policy refuses the last pointer; empty if it doesn't
  bool missing_ = false;          ///< the last poll found no pointer
  BootTime next_poll_{};
  std::optional<BootTime> next_flush_;
  std::thread staging_;

  std::thread thread_;
};

}  // namespace midair::sidecar
