#include "sidecar.h"

#include <sysexits.h>

#include <csignal>
#include <utility>

#include "midair/release/layout.h"
#include "midair/log.h"
#include "process/leftovers.h"

namespace midair::sidecar {

namespace {

/// What a shell and tini say when the program can't be found or started.
constexpr int kCommandNotFound = 127;
constexpr int kCommandNotStarted = 126;

int report(const Error& error, int status) {
  log(LogLevel::error, "sidecar.failed", {{"error", error.to_string()}});
  return status;
}

}  // namespace

Sidecar::Sidecar(RunOptions options)
    : options_(std::move(options)),
      booted_at_(format_rfc3339(system_clock().wall())),
      base_image_{{}, {}, {}, 0, options_.base_dir} {}

Sidecar::~Sidecar() {
  if (poller_) poller_->stop();
  if (asker_.joinable()) asker_.join();
}

int Sidecar::run() {
  if (auto ready = set_up(); !ready)
    return report(ready.error(), ready.error().code == Errc::refused ? EX_TEMPFAIL : EX_CONFIG);
  recover();
  ask_store();
  watch_over_loop();
  loop_->run();
  watchdog_.reset();
  poller_->stop();
  return exit_status_;
}

Result<void> Sidecar::set_up() {
  MIDAIR_TRY_ASSIGN(loop_, EventLoop::create());
  // First of all: threads that start later inherit the blocked signals.
  MIDAIR_TRY_ASSIGN(signals_, SignalWatch::create(*loop_, [this](int signo) { on_signal(signo); }));
  MIDAIR_TRY_ASSIGN(StateDir dir, StateDir::open(options_.state_dir));
  dir_ = std::make_unique<StateDir>(std::move(dir));
  MIDAIR_TRY_ASSIGN(store_, open_store(options_.store));
  if (auto killed = kill_leftovers(dir_->sessions()); !killed)
    log(LogLevel::warning, "leftovers.not_killed", {{"error", killed.error().to_string()}});
  MIDAIR_TRY_ASSIGN(ListenSockets sockets, ListenSockets::open(options_.listen));
  sockets_ = std::make_unique<ListenSockets>(std::move(sockets));
  stager_ = std::make_unique<Stager>(*dir_, *store_);
  reporter_ = std::make_unique<Reporter>(*store_, options_.identity.app, options_.identity);
  supervisor_ = std::make_unique<Supervisor>(
      *loop_, *dir_, *sockets_, Supervisor::Settings{options_.command, options_.drain_timeout},
      Supervisor::Hooks{[this](Generation& generation, const ExitStatus& status) { on_exit(generation, status); }});
  hooks_ = std::make_unique<Hooks>(*loop_, options_.identity, options_.hooks);
  network_health_ = std::make_unique<NetworkHealth>(*loop_, *supervisor_, options_.ready);
  probation_ = std::make_unique<Probation>(*loop_, options_.probation, health_checks());
  transfer_ = std::make_unique<StateTransfer>(*loop_, *supervisor_, *hooks_, *dir_,
                                              StateTransfer::Limits{options_.ready_timeout, options_.suspend_timeout});
  fallback_ = std::make_unique<Fallback>(*loop_, *supervisor_, serving_, *transfer_, base_image_, options_.ready,
                                         options_.ready_timeout);
  handover_ = std::make_unique<Handover>(*loop_, *supervisor_, serving_, *transfer_, *probation_, *fallback_,
                                         Handover::Settings{options_.ready, options_.ready_timeout});
  SwapDeadlines deadlines;
  deadlines.ready = options_.ready_timeout;
  deadlines.suspend = options_.suspend_timeout;
  in_place_ = std::make_unique<InPlace>(*loop_, *supervisor_, serving_, *probation_, *fallback_,
                                        InPlace::Settings{deadlines.ready, deadlines.suspend});
  choice_ = std::make_unique<StrategyChoice>(*handover_, *in_place_);
  strategy_ = std::make_unique<HookedStrategy>(*choice_, *hooks_, serving_);
  swap_ = std::make_unique<SwapMachine>(
      *loop_, *dir_, *strategy_, deadlines,
      SwapMachine::Hooks{[this](const Target& target) { poller_->stage(target); }, [this] { poller_->cancel_stage(); },
                         [this](SwapState state) { on_state(state); },
                         [this](const SwapOutcome& outcome) { on_finished(outcome); },
                         [this](const Error& error) { on_lost(error); }});
  MIDAIR_TRY_ASSIGN(
      control_, ControlServer::open(*loop_, options_.control, [this](const std::string& op) { return answer(op); }));
  return {};
}

std::vector<HealthCheck> Sidecar::health_checks() {
  std::vector<HealthCheck> checks;
  if (network_health_->can_be_asked())
    checks.emplace_back(
        [this](unsigned generation, StepDone answer) { network_health_->ask(generation, std::move(answer)); });
  checks.emplace_back([this](unsigned, StepDone answer) { hooks_->healthy(std::move(answer)); });
  return checks;
}

void Sidecar::watch_over_loop() {
  if (options_.watchdog.count() == 0) return;
  auto watchdog = Watchdog::start(*loop_, options_.watchdog, serving_.pid);
  if (watchdog)
    watchdog_ = std::move(watchdog).value();
  else
    log(LogLevel::warning, "watchdog.not_started", {{"error", watchdog.error().to_string()}});
}

void Sidecar::on_signal(int signo) {
  if (signo == SIGCHLD) return supervisor_->reap();
  if (signo != SIGTERM && signo != SIGINT) {
    Generation* serving = supervisor_->find(serving_.generation);
    if (serving != nullptr)
      if (auto sent = serving->child.signal(signo); !sent)
        log(LogLevel::warning, "app.signal_failed", {{"error", sent.error().to_string()}});
    return;
  }
  log(LogLevel::notice, "sidecar.stopping", {{"signal", signo == SIGTERM ? "TERM" : "INT"}});
  const bool started = phase_ == Phase::running || phase_ == Phase::ending;
  if (!started) exit_status_ = 128 + signo;
  begin_ending();
  supervisor_->end_all(signo);
  leave_when_empty();
}

void Sidecar::on_exit(Generation& generation, const ExitStatus& status) {
  const unsigned number = generation.number;
  if (phase_ != Phase::ending) {
    if (number == serving_.candidate) return swap_->candidate_exited(status.text());
    if (fallback_->exited(number, status.text()) || handover_->holds(number)) return;
  }
  if (number == serving_.generation) {
    if (phase_ != Phase::ending && settling_) count_bad_start(status);
    if (swap_->state() != SwapState::lost) exit_status_ = status.code();
    begin_ending();
  }
  leave_when_empty();
}

void Sidecar::count_bad_start(const ExitStatus& status) {
  const std::string id = upgrade_id_of(committed_.hot_ref);
  if (auto counted = attempts_->begin(id); !counted)
    log(LogLevel::warning, "attempts.unwritable", {{"error", counted.error().to_string()}});
  log(LogLevel::error, "boot.bad_start",
      {{"release", committed_.describe()},
       {"how", status.text()},
       {"bad_starts", std::to_string(attempts_->count(id))},
       {"limit", std::to_string(Attempts::kMaxBadStarts)}});
}

void Sidecar::begin_ending() {
  if (phase_ == Phase::ending) return;
  phase_ = Phase::ending;
  boot_limit_ = {};
  retry_ = {};
  swap_->stop_requested();
  strategy_->stop_watching();
  publish_record("stopped");
}

void Sidecar::leave_when_empty() {
  if (phase_ == Phase::ending && supervisor_->empty()) loop_->quit();
}

void Sidecar::on_lost(const Error& error) {
  exit_status_ = report(error, EX_SOFTWARE);
  begin_ending();
  supervisor_->end_all(SIGKILL);
  leave_when_empty();
}

void Sidecar::serve(const ReleaseRef& release) {
  auto started = supervisor_->start(release);
  if (!started && !release.is_base_image()) {
    log(LogLevel::error, "app.not_started", {{"release", release.describe()}, {"error", started.error().to_string()}});
    return serve(base_image_);
  }
  if (!started) {
    exit_status_ =
        report(started.error(), started.error().code == Errc::not_found ? kCommandNotFound : kCommandNotStarted);
    begin_ending();
    return leave_when_empty();
  }
  serving_.serve_with(*started.value());
  phase_ = Phase::running;
  if (!release.is_base_image())
    settling_ = loop_->after(options_.probation, [this, id = upgrade_id_of(release.hot_ref)] {
      settling_.reset();
      if (auto forgotten = attempts_->forget(id); !forgotten)
        log(LogLevel::warning, "attempts.unwritable", {{"error", forgotten.error().to_string()}});
    });
  if (auto pointed = dir_->point_current_at(release.directory); !pointed)
    log(LogLevel::warning, "current.not_set", {{"error", pointed.error().to_string()}});
  publish_record("serving");
  start_polling();
  consider();
}

}  // namespace midair::sidecar
