#include "midair/host/publish/lock_renewer.h"

#include "midair/log.h"

namespace midair::host {

LockRenewer::LockRenewer(DeployLock& lock, std::chrono::milliseconds interval)
    : thread_([&lock, interval](const std::stop_token& stop) {
        while (true) {
          pause(interval, stop);
          if (stop.stop_requested()) return;
          const auto renewed = lock.renew(stop);
          if (renewed.ok() || renewed.error().code == Errc::cancelled) continue;
          log(LogLevel::warning, "lock.not_renewed", {{"error", renewed.error().message()}});
          if (renewed.error().code == Errc::precondition) return;
        }
      }) {}

}  // namespace midair::host
