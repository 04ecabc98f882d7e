/// @file
/// A clock that tests move while a thread waits by it.
#pragma once

#include <list>

#include "watch/waiting_clock.h"

namespace midair::sidecar {

/// Stands still until it is advanced, and knows when the threads that wait by it have nothing left to do.
class TickingClock final : public WaitingClock {
 public:
  [[nodiscard]] BootTime now() const override {
    const std::scoped_lock own(mutex_);
    return clock_.now();
  }
  [[nodiscard]] WallTime wall() const override {
    const std::scoped_lock own(mutex_);
    return clock_.wall();
  }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, BootTime deadline,
                  const std::function<bool()>& done) const override {
    const auto sleeper = lie_down({lock.mutex(), &changed, deadline, &done});
    changed.wait(lock, [&] { return done() || now() >= deadline; });
    get_up(sleeper);
    return done();
  }

  /// Moves on, and wakes the thread whose time has come. Precondition: that thread isn't about to end.
  void advance(std::chrono::nanoseconds by) {
    std::list<Sleeper> sleepers;
    {
      const std::scoped_lock own(mutex_);
      clock_.advance(by);
      sleepers = sleepers_;
    }
    for (const Sleeper& sleeper : sleepers) {
      { const std::scoped_lock others(*sleeper.mutex); }  // it has seen the old time and waits, or sees the new
      sleeper.changed->notify_all();
    }
  }

  /// Waits until a thread waits by this clock for a time that has not come and for a change that has not happened.
  void await_idle() const {
    for (;;) {
      std::unique_lock own(mutex_);
      moved_.wait(own, [&] { return !sleepers_.empty(); });
      const unsigned long seen = moves_;
      const Sleeper sleeper = sleepers_.front();
      own.unlock();
      if (is_idle(sleeper, seen)) return;
      own.lock();
      moved_.wait(own, [&] { return moves_ != seen; });
    }
  }

 private:
  struct Sleeper {
    std::mutex* mutex;
    std::condition_variable* changed;
    BootTime deadline;
    const std::function<bool()>* done;
  };
  using Place = std::list<Sleeper>::iterator;

  Place lie_down(const Sleeper& sleeper) const {
    const std::scoped_lock own(mutex_);
    ++moves_;
    moved_.notify_all();
    return sleepers_.insert(sleepers_.end(), sleeper);
  }
  void get_up(Place sleeper) const {
    const std::scoped_lock own(mutex_);
    ++moves_;
    moved_.notify_all();
    sleepers_.erase(sleeper);
  }
  /// With its mutex held it stays where it is, if it has not got up since.
  bool is_idle(const Sleeper& sleeper, unsigned long seen) const {
    const std::scoped_lock others(*sleeper.mutex);
    {
      const std::scoped_lock own(mutex_);
      if (moves_ != seen) return false;
    }
    return !(*sleeper.done)() && now() < sleeper.deadline;
  }

  mutable std::mutex mutex_;  ///< taken after a sleeper's, never before
  mutable std::condition_variable moved_;
  mutable std::list<Sleeper> sleepers_;
  mutable unsigned long moves_ = 0;
  ManualClock clock_;
};

}  // namespace midair::sidecar
