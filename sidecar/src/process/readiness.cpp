#include "process/readiness.h"

#include <utility>

#include "midair/duration.h"

namespace midair::sidecar {

namespace {

constexpr std::chrono::milliseconds kLookEvery{20};
constexpr std::chrono::milliseconds kProbeTimeout{2000};
constexpr std::chrono::milliseconds kAliveFor{1000};

}  // namespace

Readiness::Readiness(EventLoop& loop, Supervisor& supervisor, unsigned generation, ReadyCheck check,
                     std::chrono::milliseconds limit, std::function<void(Result<std::string>)> done)
    : loop_(loop),
      supervisor_(supervisor),
      generation_(generation),
      check_(std::move(check)),
      done_(std::move(done)),
      limit_(loop.after(limit, [this, limit] { conclude(timeout_error(limit)); })) {
  const bool just_alive = check_.kind == ReadyCheck::Kind::alive;
  next_ = loop_.after(just_alive ? kAliveFor : std::chrono::milliseconds(0), [this] { look(); });
}

Readiness::~Readiness() {
  if (Generation* generation = supervisor_.find(generation_)) generation->on_ready = nullptr;
}

void Readiness::look() {
  Generation* generation = supervisor_.find(generation_);
  if (generation == nullptr) return;  // its end is reported by the supervisor
  switch (check_.kind) {
    case ReadyCheck::Kind::alive: return conclude(std::string());
    case ReadyCheck::Kind::notify:
      if (generation->ready) return conclude(std::string());
      // Looked at once the message has been dealt with, for what follows may end generations.
      generation->on_ready = [this] { next_ = loop_.after(std::chrono::milliseconds(0), [this] { look(); }); };
      return;
    case ReadyCheck::Kind::http:
    case ReadyCheck::Kind::tcp: return probe();
  }
}

void Readiness::probe() {
  const ListenSockets& sockets = supervisor_.sockets();
  const Poco::Net::SocketAddress& address = *sockets.address_of(sockets.named().front().first);
  auto accepted_by_it = [this](ino_t server_end) {
    const Generation* generation = supervisor_.find(generation_);
    return generation != nullptr && generation->child.holds_any_socket({server_end});
  };
  auto on_answer = [this](const ProbeAnswer& answer) { answered(answer); };
  probe_ = check_.kind == ReadyCheck::Kind::http
               ? Probe::http(loop_, address, check_.path, kProbeTimeout, accepted_by_it, on_answer)
               : Probe::tcp(loop_, address, kProbeTimeout, accepted_by_it, on_answer);
}

void Readiness::answered(const ProbeAnswer& answer) {
  if (answer.ok) return conclude(answer.release);
  last_problem_ = answer.error;
  next_ = loop_.after(kLookEvery, [this] { look(); });
}

void Readiness::conclude(Result<std::string> result) {
  limit_ = {};
  next_ = {};
  // The callback may destroy this object.
  const auto done = done_;
  done(std::move(result));
}

Error Readiness::timeout_error(std::chrono::milliseconds limit) const {
  Error error{Errc::timeout, "see", "the new process become ready", ""};
  const std::string within = " within " + format_duration(limit);
  if (check_.kind == ReadyCheck::Kind::notify) {
    error.cause = "it did not send READY=1 to NOTIFY_SOCKET" + within;
    error.hint = "for an app that doesn't speak sd_notify, --ready-http PATH or --ready-tcp";
  } else {
    error.cause = "it answered no probe" + within + (last_problem_.empty() ? "" : "; the last one: " + last_problem_);
    error.hint = "look at the app's own output, or raise --ready-timeout";
  }
  return error;
}

}  // namespace midair::sidecar
