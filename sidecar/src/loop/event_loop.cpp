#include "loop/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace midair::sidecar {

namespace {

constexpr std::uint64_t kOwnDescriptors = 0;  // the id of wakeup_ and alarm_; watches count from 1

timespec to_timespec(std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count())};
}

/// Makes a signalled eventfd or timerfd unreadable again; non-blocking, so neither need be signalled.
void clear_counter(int fd) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(fd, &count, sizeof count);
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create(const Clock& clock) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_error(errno, "create", "an epoll instance");
  Fd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return system_error(errno, "create", "an eventfd");
  Fd alarm(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!alarm) return system_error(errno, "create", "a timerfd");
  for (const int fd : {wakeup.get(), alarm.get()}) {
    epoll_event event{EPOLLIN, {.u64 = kOwnDescriptors}};
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      return system_error(errno, "watch", "the loop's timer");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(clock, std::move(epoll), std::move(wakeup), std::move(alarm)));
}

EventLoop::EventLoop(const Clock& clock, Fd epoll, Fd wakeup, Fd alarm)
    : clock_(clock), epoll_(std::move(epoll)), wakeup_(std::move(wakeup)), alarm_(std::move(alarm)) {}

EventLoop::Watch EventLoop::watch(int fd, std::uint32_t epoll_events, OnEvent on_event) {
  const std::uint64_t id = next_id_++;
  epoll_event event{epoll_events, {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot watch descriptor " + std::to_string(fd));
  watches_.emplace(id, std::make_shared<OnEvent>(std::move(on_event)));
  return {this, fd, id};
}

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  reset();
  loop_ = std::exchange(other.loop_, nullptr);
  fd_ = other.fd_;
  id_ = other.id_;
  return *this;
}

void EventLoop::Watch::reset() noexcept {
  EventLoop* const loop = std::exchange(loop_, nullptr);
  if (loop == nullptr) return;
  ::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  loop->watches_.erase(id_);
}

EventLoop::Timer EventLoop::after(std::chrono::milliseconds delay, std::function<void()> on_time) {
  const TimerKey key{clock_.now() + delay, next_id_++};
  timers_.emplace(key, std::move(on_time));
  return {this, key.first, key.second};
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this == &other) return *this;
  reset();
  loop_ = std::exchange(other.loop_, nullptr);
  deadline_ = other.deadline_;
  id_ = other.id_;
  return *this;
}

void EventLoop::Timer::reset() noexcept {
  if (EventLoop* const loop = std::exchange(loop_, nullptr)) loop->timers_.erase({deadline_, id_});
}

void EventLoop::post(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    posted_.push_back(std::move(work));
  }
  wake();
}

void EventLoop::quit() {
  quit_ = true;
  wake();
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wakeup_.get(), &one, sizeof one);
}

void EventLoop::run() {
  while (!quit_.exchange(false)) {
    set_alarm();
    std::array<epoll_event, 64> ready{};
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "cannot wait for events");
    for (int i = 0; i < count; ++i) dispatch(ready.at(i).data.u64, ready.at(i).events);
    run_posted_work();
    run_due_timers();
  }
}

void EventLoop::set_alarm() {
  const BootTime first = timers_.empty() ? BootTime::zero() : timers_.begin()->first.first;
  if (first == alarm_at_) return;
  itimerspec when{};  // zero disarms
  if (!timers_.empty()) when.it_value = to_timespec(std::max(first - clock_.now(), BootTime(1)));
  ::timerfd_settime(alarm_.get(), 0, &when, nullptr);
  alarm_at_ = first;
}

void EventLoop::dispatch(std::uint64_t id, std::uint32_t events) {
  if (id == kOwnDescriptors) {
    clear_counter(wakeup_.get());
    clear_counter(alarm_.get());
    alarm_at_ = BootTime::zero();  // if it had not fired, set_alarm() arms it again
    return;
  }
  // An earlier callback of this round may have ended the watch; ids are never used again, so a new watch on the same
  // descriptor is not mistaken for it. The copy keeps the callback alive while it destroys its own watch.
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  const std::shared_ptr<OnEvent> on_event = found->second;
  (*on_event)(events);
}

void EventLoop::run_due_timers() {
  if (timers_.empty()) return;
  const BootTime now = clock_.now();  // once: a timer that sets itself anew must not starve the descriptors
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const auto due = timers_.extract(timers_.begin());
    due.mapped()();
  }
}

void EventLoop::run_posted_work() {
  std::vector<std::function<void()>> work;
  {
    const std::scoped_lock lock(mutex_);
    work.swap(posted_);
  }
  for (const auto& item : work) item();
}

}  // namespace midair::sidecar
