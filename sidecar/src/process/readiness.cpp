#include "process/readiness.h"

#include <algorithm>
#include <utility>

#include "midair/duration.h"

namespace midair::sidecar {

namespace {

// A look costs both sides something: often at first, then less.
constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{250};
constexpr std::chrono::milliseconds kProbeTimeout{2000};

}  // namespace

Readiness::Readiness(EventLoop& loop, Supervisor& supervisor, unsigned generation, ReadyCheck check,
                     bool must_say_ready, std::chrono::milliseconds limit,
                     std::function<void(Result<std::string>)> done)
    : loop_(loop),
      supervisor_(supervisor),
      generation_(generation),
      check_(std::move(check)),
      must_say_ready_(must_say_ready),
      done_(std::move(done)),
      began_(loop.clock().now()),
      pause_(kFirstPause),
      limit_(loop.after(limit, [this, limit] { conclude(timeout_error(limit)); })),
      next_(loop.after(std::chrono::milliseconds(0), [this] { look(); })) {
  supervisor.sockets().when_listening(generation, [this] { look_soon(); });
}

Readiness::~Readiness() {
  if (Generation* generation = supervisor_.find(generation_)) generation->on_ready = nullptr;
  supervisor_.sockets().when_listening(generation_, nullptr);
}

void Readiness::look() {
  Generation* generation = supervisor_.find(generation_);
  if (generation == nullptr) return;  // its end is reported by the supervisor
  if (const std::string conflict = supervisor_.sockets().conflict(generation_); !conflict.empty())
    return conclude(Error{Errc::refused, "serve with", "the new process", conflict});
  generation->on_ready = [this] { look_soon(); };
  if (check_.kind == ReadyCheck::Kind::automatic) return look_automatically(*generation);
  if (const std::string missing = unheard_address(); !missing.empty())
    return not_yet("it does not listen on " + missing);
  probe();
}

/// Once what was heard of it has been dealt with, for what follows may end generations.
void Readiness::look_soon() {
  pause_ = kFirstPause;
  next_ = loop_.after(std::chrono::milliseconds(0), [this] { look(); });
}

/// Where clients are served and it doesn't listen yet, whatever else it listens on: there they would wait for it.
std::string Readiness::unheard_address() const {
  return supervisor_.keeps_descriptors() ? std::string() : supervisor_.sockets().missing(generation_);
}

void Readiness::look_automatically(const Generation& generation) {
  AppSockets& sockets = supervisor_.sockets();
  if (must_say_ready_ && !generation.ready) return not_yet("it did not send READY=1 to NOTIFY_SOCKET");
  const bool accepts_later = supervisor_.keeps_descriptors();
  if (const std::string missing = unheard_address(); !missing.empty())
    return not_yet("it does not listen on " + missing);
  if (generation.ready && (accepts_later || !sockets.listens(generation_))) return conclude(std::string());
  if (sockets.listens(generation_) && !accepts_later) return probe();
  if (loop_.clock().now() - began_ >= check_.alive_for) return conclude(std::string());
  not_yet("it did not live for " + format_duration(check_.alive_for));
}

void Readiness::probe() {
  AppSockets& sockets = supervisor_.sockets();
  auto on_answer = [this](const ProbeAnswer& answer) { answered(answer); };
  if (check_.kind != ReadyCheck::Kind::http) {
    probe_ = Probe::tcp(loop_, sockets.connect_to(generation_), kProbeTimeout, on_answer);
    return;
  }
  const std::string address = sockets.address_of(generation_);
  const std::string own_host = address.starts_with('/') ? "localhost" : address;  // a path is no host
  const std::string host = check_.host.empty() ? own_host : check_.host;
  probe_ = Probe::http(loop_, sockets.connect_to(generation_), {check_.path, host, check_.headers}, kProbeTimeout,
                       on_answer);
}

void Readiness::answered(const ProbeAnswer& answer) {
  if (answer.ok) return conclude(answer.release);
  not_yet(answer.error);
}

void Readiness::not_yet(std::string why) {
  last_problem_ = std::move(why);
  next_ = loop_.after(pause_, [this] { look(); });
  pause_ = std::min(2 * pause_, kLongestPause);
}

void Readiness::conclude(Result<std::string> result) {
  limit_ = {};
  next_ = {};
  probe_ = {};
  // The callback may destroy this object.
  const auto done = done_;
  done(std::move(result));
}

Error Readiness::timeout_error(std::chrono::milliseconds limit) const {
  Error error{Errc::timeout, "see", "the new process become ready", "", "look at the app's own output"};
  error.cause = (last_problem_.empty() ? "it answered no probe" : last_problem_);
  error.cause += ", for " + format_duration(limit);
  const Generation* generation = supervisor_.find(generation_);
  if (generation != nullptr && !generation->ready && !generation->notify.stranger_that_was_ready().empty())
    error.cause += "; READY=1 came from process " + generation->notify.stranger_that_was_ready() +
                   ", which is not of this generation";
  return error;
}

}  // namespace midair::sidecar
