#include "watch/waiting_clock.h"

#include <algorithm>

namespace midair::sidecar {

namespace {

class SystemWaitingClock final : public WaitingClock {
 public:
  [[nodiscard]] BootTime now() const override { return system_clock().now(); }
  [[nodiscard]] WallTime wall() const override { return system_clock().wall(); }

  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, BootTime deadline,
                  const std::function<bool()>& done) const override {
    // By and by: what the condition variable counts stands still while the machine is suspended, this clock doesn't.
    constexpr BootTime kLongest = std::chrono::minutes(1);
    while (!done()) {
      const BootTime left = deadline - now();
      if (left <= BootTime::zero()) return false;
      changed.wait_for(lock, std::min(left, kLongest));
    }
    return true;
  }
};

}  // namespace

const WaitingClock& waiting_system_clock() {
  static const SystemWaitingClock clock;
  return clock;
}

}  // namespace midair::sidecar
