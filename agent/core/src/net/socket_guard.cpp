#include "net/socket_guard.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stop_token>

#include "midair/duration.h"

namespace midair {

POCO_IMPLEMENT_EXCEPTION(StopRequested, Poco::RuntimeException, "stop requested")

void SocketGuard::begin_call(const CallTimer& timer) {
  timer_ = &timer;
  received_ = 0;
}

void SocketGuard::begin_phase(std::string phase, std::chrono::milliseconds patience) {
  phase_ = std::move(phase);
  patience_ = patience;
  renew_ = false;
  phase_end_ = timer_->remaining() - patience;
}

void SocketGuard::on_received(int bytes) {
  ended_ = ended_ || bytes == 0;
  if (bytes == 0) return;
  received_ += static_cast<std::uint64_t>(bytes);
  if (renew_) phase_end_ = timer_->remaining() - patience_;
}

void SocketGuard::wait(int fd, short events) const {
  // A stop request wakes poll() by closing the connection under it; nobody needs it any more.
  const std::stop_callback wake(timer_->stop(), [fd] { ::shutdown(fd, SHUT_RDWR); });
  for (;;) {
    const auto call_left = timer_->remaining();
    const auto left = std::min(call_left, call_left - phase_end_);
    if (left <= std::chrono::nanoseconds::zero())
      throw Poco::TimeoutException(call_left <= std::chrono::nanoseconds::zero()
                                       ? "the deadline of the whole call passed"
                                       : phase_ + " within " + format_duration(patience_));
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd ready{fd, events, 0};
    const int n = ::poll(&ready, 1, static_cast<int>(milliseconds));
    if (timer_->stop().stop_requested()) throw StopRequested("the caller asked to stop");
    if (n > 0) return;
    if (n < 0 && errno != EINTR) throw Poco::IOException("poll", errno);
  }
}

}  // namespace midair
