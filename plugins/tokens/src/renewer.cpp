#include "renewer.h"

#include <algorithm>

#include "midair/log.h"

namespace midair::host::tokens {

using std::chrono::milliseconds;

Renewer::Renewer(Renew renew, const Clock& clock, RenewalTimes times)
    : renew_(std::move(renew)), clock_(clock), times_(times) {}

void Renewer::schedule(const std::string& app, WallTime expires_at) {
  const auto left = std::chrono::floor<milliseconds>(expires_at - clock_.wall());
  const std::scoped_lock lock(mutex_);
  if (stopped_) return;
  plans_[app] = {clock_.now() + std::max(left - times_.before_expiry, times_.settle), expires_at};
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Renewer::stop() noexcept {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  thread_ = std::jthread();
}

void Renewer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    const std::string app = next(lock, stop);
    lock.unlock();
    if (!app.empty()) renew(app, stop);
  }
}

std::string Renewer::next(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  const BootTime now = clock_.now();
  BootTime earliest = now + times_.look_again;
  for (const auto& [app, plan] : plans_) {
    if (plan.due <= now) return app;
    earliest = std::min(earliest, plan.due);
  }
  changed_.wait_for(lock, stop, earliest - now, [] { return false; });
  return {};
}

void Renewer::renew(const std::string& app, const std::stop_token& stop) {
  {
    const std::scoped_lock lock(mutex_);
    Plan& plan = plans_.at(app);
    plan.due = clock_.now() + times_.retry;
    if (plan.expires_at <= clock_.wall()) {
      plans_.erase(app);
      return;
    }
  }
  const auto renewed = renew_(app, {.stop = stop});  // and the new token schedules its own renewal
  if (!renewed.ok() && renewed.error().code != Errc::cancelled)
    log(LogLevel::warning, "tokens.not_renewed", {{"app", app}, {"error", renewed.error().message()}});
}

}  // namespace midair::host::tokens
