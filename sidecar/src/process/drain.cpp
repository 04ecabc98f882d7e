#include "process/drain.h"

#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

Drain::Drain(EventLoop& loop, SocketDiag& diag, const AppSockets& sockets, unsigned generation, Settings settings)
    : Drain(loop, sockets, generation) {
  const auto ports = sockets.ports_of(generation);
  if (ports.empty()) return;
  const auto looked = [this](const IdleCloser::Report& report) {
    report_ = report;
    consider();
  };
  const auto failed = [generation](const Error& error) {
    log(LogLevel::warning, "drain.not_watched",
        {{"generation", std::to_string(generation)}, {"error", error.to_string()}});
  };
  closer_.emplace(loop, diag, IdleCloser::Settings{ports, std::move(settings.processes), settings.close_idle},
                  IdleCloser::Hooks{looked, failed});
  closer_->begin();
}

void Drain::when_finished(std::chrono::milliseconds limit, std::function<void()> finished) {
  finished_ = std::move(finished);
  limit_ = loop_.after(limit, [this] { finish(); });
  next_ = loop_.after({}, [this] { consider(); });
}

/// While its connections are busy, the next look at them brings the news; only queues have to be looked at by us.
void Drain::consider() {
  constexpr std::chrono::milliseconds kLookEvery{10};
  if (!finished_) return;
  const bool quiet = !closer_ || (report_ && report_->busy == 0 && report_->streaming == 0);
  if (!quiet) return;
  if (sockets_.has_answered_all(generation_)) return finish();
  next_ = loop_.after(kLookEvery, [this] { consider(); });
}

void Drain::finish() {
  next_ = {};
  limit_ = {};
  std::exchange(finished_, nullptr)();
}

}  // namespace midair::sidecar
