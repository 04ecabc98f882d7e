#include "process/drain.h"

#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

Drain::Drain(EventLoop& loop, SocketDiag* diag, const AppSockets& sockets, unsigned generation, Settings settings)
    : loop_(loop), sockets_(sockets), generation_(generation) {
  const auto ports = sockets.ports_of(generation);
  if (diag == nullptr || ports.empty()) return;
  const auto failed = [generation](const Error& error) {
    log(LogLevel::warning, "drain.not_watched",
        {{"generation", std::to_string(generation)}, {"error", error.to_string()}});
  };
  closer_.emplace(loop, *diag, IdleCloser::Settings{ports, std::move(settings.processes), settings.close_idle},
                  IdleCloser::Hooks{[this](const IdleCloser::Report& report) { looked(report); }, failed});
  closer_->begin();
}

void Drain::when_finished(std::chrono::milliseconds limit, std::function<void()> finished) {
  finished_ = std::move(finished);
  limit_ = loop_.after(limit, [this] { finish(); });
  next_ = loop_.after({}, [this] { look_at_queues(); });
}

void Drain::looked(const IdleCloser::Report& report) {
  report_ = report;
  is_known_ = true;
}

void Drain::look_at_queues() {
  constexpr std::chrono::milliseconds kLookEvery{10};
  const bool quiet = !closer_ || (is_known_ && report_.busy == 0 && report_.streaming == 0);
  if (quiet && sockets_.has_answered_all(generation_)) return finish();
  next_ = loop_.after(kLookEvery, [this] { look_at_queues(); });
}

void Drain::finish() {
  next_ = {};
  limit_ = {};
  const auto finished = std::exchange(finished_, nullptr);
  if (finished) finished();
}

}  // namespace midair::sidecar
