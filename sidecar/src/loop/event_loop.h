/// @file
/// The sidecar's one loop: descriptors, timers and work from other threads, on epoll, timerfd and eventfd.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "midair/clock.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair::sidecar {

/// Calls back when a descriptor is ready, a time has come or another thread has posted work.
///
/// Owned by the loop thread, the one that calls run(): everything but post() and quit() belongs to it alone, and every
/// callback runs on it. A callback may create and destroy watches and timers, its own included. What a callback throws
/// leaves run().
class EventLoop {
 public:
  /// Keeps one descriptor watched; ends with its destruction. Must go before the descriptor is closed, and before the
  /// loop. A moved-from or default-made one watches nothing.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), fd_(other.fd_), id_(other.id_) {}
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { reset(); }

    /// Stops watching, now.
    void reset() noexcept;

   private:
    friend class EventLoop;
    Watch(EventLoop* loop, int fd, std::uint64_t id) : loop_(loop), fd_(fd), id_(id) {}

    EventLoop* loop_ = nullptr;
    int fd_ = -1;
    std::uint64_t id_ = 0;
  };

  /// Keeps one timer running; cancels it with its destruction, which must come before the loop's. After it has fired,
  /// it is spent: make a new one. A moved-from or default-made one never fires.
  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)), deadline_(other.deadline_), id_(other.id_) {}
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { reset(); }

    /// Cancels, now.
    void reset() noexcept;

   private:
    friend class EventLoop;
    Timer(EventLoop* loop, BootTime deadline, std::uint64_t id) : loop_(loop), deadline_(deadline), id_(id) {}

    EventLoop* loop_ = nullptr;
    BootTime deadline_{};
    std::uint64_t id_ = 0;
  };

  /// `clock` must outlive the loop. Where it isn't the machine's own, timers are looked at when something else wakes
  /// the loop as well: advance such a clock, then post().
  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create(const Clock& clock = system_clock());
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Calls `on_event` with the events that are there whenever `fd` has one of `epoll_events` (EPOLLIN, ...; level
  /// triggered; EPOLLERR and EPOLLHUP always). At most one watch per descriptor.
  /// Throws std::system_error if the kernel refuses, which means a closed, unpollable or already watched descriptor.
  [[nodiscard]] Watch watch(int fd, std::uint32_t epoll_events, std::function<void(std::uint32_t)> on_event);

  /// Calls `on_time` once, not before `delay` has passed on the clock, which goes on while the machine is suspended.
  /// Timers fire in the order of their deadlines, equal ones in the order of their making.
  [[nodiscard]] Timer after(std::chrono::milliseconds delay, std::function<void()> on_time);

  /// Calls `work` on the loop thread, in the order of posting. Thread-safe. What is never run is destroyed with the
  /// loop.
  void post(std::function<void()> work);

  /// What its timers go by; for whoever works on this thread.
  [[nodiscard]] const Clock& clock() const { return clock_; }

  /// Serves until quit().
  void run();

  /// Ends run() after the callbacks of the current round, or the next run() at once. Thread-safe, and final for
  /// one run() only.
  void quit();

 private:
  using OnEvent = std::function<void(std::uint32_t)>;
  using TimerKey = std::pair<BootTime, std::uint64_t>;  // deadline, id: the order in which timers fire

  EventLoop(const Clock& clock, Fd epoll, Fd wakeup, Fd alarm);
  void wake() noexcept;
  void set_alarm();
  void dispatch(std::uint64_t id, std::uint32_t events);
  void run_due_timers();
  void run_posted_work();

  const Clock& clock_;
  const Fd epoll_;
  const Fd wakeup_;  // eventfd: readable when there is posted work or a quit
  const Fd alarm_;   // timerfd on CLOCK_BOOTTIME, armed for the first timer

  // Owned by the loop thread.
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, std::shared_ptr<OnEvent>> watches_;
  std::map<TimerKey, std::function<void()>> timers_;
  BootTime alarm_at_{};  // what alarm_ is armed for; zero: not armed

  // Shared with every thread.
  std::atomic<bool> quit_{false};
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace midair::sidecar
