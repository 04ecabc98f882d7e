#include "sidecar.h"

#include <sysexits.h>

#include <csignal>
#include <utility>

#include "boot/recovery.h"
#include "midair/log.h"
#include "process/leftovers.h"
#include "process/stop_signal.h"
#include "proposed_signal.h"
#include "sockets/socket_filter.h"
#include "swap/strategies/strategies.h"
#include "swap/unreadable_files.h"

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

Sidecar::Sidecar(RunOptions options, const WaitingClock& clock)
    : options_(std::move(options)),
      clock_(clock),
      booted_at_(format_rfc3339(clock.wall())),
      base_image_{{}, options_.base_dir},
      policy_(strategy_names()) {}

Sidecar::~Sidecar() {
  if (store_thread_) store_thread_->stop();
}

int Sidecar::run() {
  if (auto ready = set_up(); !ready)
    return report(ready.error(), ready.error().code == Errc::refused ? EX_TEMPFAIL : EX_CONFIG);
  serving_.start_from(recover(*dir_, options_.identity, base_image_, *links_, *attempts_, *announcer_));
  make_store_thread();
  make_deciders();
  boot_->begin();
  watch_over_loop();
  loop_->run();
  watchdog_.reset();
  store_thread_->stop();
  output_->finish();
  return exit_status_;
}

Result<void> Sidecar::set_up() {
  MIDAIR_TRY_ASSIGN(loop_, EventLoop::create(clock_));
  // First of all: threads that start later inherit the blocked signals.
  MIDAIR_TRY_ASSIGN(signals_, SignalWatch::create(*loop_, [this](int signo) { on_signal(signo); }));
  MIDAIR_TRY_ASSIGN(StateDir dir, StateDir::open(options_.state_dir));
  dir_ = std::make_unique<StateDir>(std::move(dir));
  MIDAIR_TRY_ASSIGN(store_, open_store(options_.store));
  if (auto killed = kill_leftovers(dir_->sessions()); !killed)
    log(LogLevel::warning, "leftovers.not_killed", {{"error", killed.error().to_string()}});
  MIDAIR_TRY(open_sockets());
  make_app_parts();
  make_swap_parts();
  propose_stop_signal(options_.base_dir, options_.stop_signal);
  check_disk();
  return open_control();
}

void Sidecar::check_disk() {
  const auto writable = dir_->check_writable();
  if (writable) return;
  log(LogLevel::error, "state.unwritable",
      {{"meaning", "the app runs, nothing is installed"}, {"error", writable.error().to_string()}});
  announcer_->disk_problem(writable.error().message());
}

Result<void> Sidecar::open_control() {
  auto control = ControlServer::open(*loop_, options_.control.empty() ? dir_->control_socket() : options_.control,
                                     [this](const std::string& op) { return answers_->answer(op); });
  if (control) {
    control_ = std::move(control).value();
    return {};
  }
  const bool mistaken = control.error().code == Errc::refused || control.error().code == Errc::bad_input;
  if (mistaken) return std::move(control).error();
  log(LogLevel::error, "control.unavailable", {{"error", control.error().to_string()}});  // no reason not to serve
  return {};
}

Result<void> Sidecar::open_sockets() {
  AppSockets::Settings settings{options_.sockets, options_.listen, options_.ports, options_.unix_paths};
  if (settings.mode == SocketMode::adopt) {
    auto possible = check_adoption();
    if (!possible && options_.sockets_demanded) return possible;
    if (!possible) {
      log(LogLevel::warning, "sockets.not_adopted", {{"error", possible.error().to_string()}});
      settings.mode = SocketMode::off;
    }
  }
  const auto is_held = [this](unsigned number, ino_t socket) {
    const Generation* generation = supervisor_->find(number);
    return generation == nullptr || generation->child.holds_any_socket({socket});
  };
  MIDAIR_TRY_ASSIGN(sockets_, AppSockets::open(*loop_, std::move(settings), is_held));
  return {};
}

void Sidecar::make_app_parts() {
  attempts_ = Attempts::load(dir_->attempts());
  source_ = std::make_unique<TarballSource>(*dir_, *store_);
  links_ = std::make_unique<WritableLinks>(*dir_, options_.base_dir, options_.writable);
  stager_ = std::make_unique<Stager>(*dir_, *source_, *links_,
                                     StagingRules{.base_dir = options_.base_dir, .owner = options_.release_owner});
  reporter_ = std::make_unique<Reporter>(*store_, options_.identity.app, options_.identity, clock_);
  output_ = std::make_unique<OutputTap>(options_.label_output ? OutputTap::Labels::yes : OutputTap::Labels::no);
  supervisor_ = std::make_unique<Supervisor>(
      *loop_, *dir_, *sockets_,
      Supervisor::Settings{options_.command, options_.drain_timeout, options_.stop_signal, options_.base_dir,
                           options_.close_idle, options_.max_draining, output_.get()},
      Supervisor::Hooks{[this](Generation& generation, const ExitStatus& status) { on_exit(generation, status); }});
  announcer_ = std::make_unique<Announcer>(options_.identity, booted_at_, serving_, *supervisor_, *reporter_, clock_);
  hooks_ = std::make_unique<Hooks>(*loop_, options_.identity, options_.hooks);
}

void Sidecar::make_swap_parts() {
  network_health_ = std::make_unique<NetworkHealth>(*loop_, *supervisor_, options_.ready);
  service_check_ =
      std::make_unique<ServiceCheck>(*loop_, *supervisor_, serving_, options_.ready, options_.ready_timeout);
  probation_ = std::make_unique<Probation>(*loop_, options_.probation, health_checks());
  transfer_ = std::make_unique<StateTransfer>(*loop_, *supervisor_, *hooks_, *dir_,
                                              StateTransfer::Limits{options_.ready_timeout, options_.suspend_timeout});
  fallback_ = std::make_unique<Fallback>(*loop_, *supervisor_, serving_, *transfer_, base_image_, options_.ready,
                                         options_.ready_timeout);
  SwapDeadlines deadlines;
  deadlines.ready = options_.ready_timeout;
  deadlines.suspend = options_.suspend_timeout;
  const StrategyParts parts{*loop_,     *supervisor_,   serving_,  *transfer_,        *probation_,
                            *fallback_, options_.ready, deadlines, options_.keep_warm};
  choice_ = std::make_unique<StrategyChoice>(parts, strategies());
  strategy_ = std::make_unique<HookedStrategy>(*choice_, *hooks_, serving_);
  swap_ = std::make_unique<SwapMachine>(
      *loop_, *dir_, *strategy_, deadlines,
      SwapMachine::Events{.stage = [this](const Target& target) { store_thread_->stage(target); },
                          .cancel_stage = [this] { store_thread_->cancel_stage(); },
                          .find_fallback = [this](auto go_on) { boot_->find_fallback(std::move(go_on)); },
                          .on_state = [this](SwapState state) { upgrades_->entered(state); },
                          .on_finished = [this](const SwapOutcome& outcome) { on_finished(outcome); },
                          .on_lost = [this](const Error& error) { give_up(error, EX_SOFTWARE); },
                          .candidate = [this] { return serving_.candidate(); },
                          .last_words = [this](unsigned candidate) { return supervisor_->last_words(candidate); }});
}

std::vector<HealthCheck> Sidecar::health_checks() {
  std::vector<HealthCheck> checks;
  if (network_health_->can_be_asked())
    checks.emplace_back(
        [this](unsigned generation, StepDone answer) { network_health_->ask(generation, std::move(answer)); });
  checks.emplace_back([this](unsigned, StepDone answer) { hooks_->healthy(std::move(answer)); });
  return checks;
}

void Sidecar::make_store_thread() {
  StoreThread::Settings settings;
  settings.interval = options_.poll_interval;
  settings.highest_sequence = serving_.committed().sequence;
  store_thread_ = std::make_unique<StoreThread>(
      *store_, policy_, *stager_, *reporter_, options_.identity, settings,
      [this](std::function<void()> work) { loop_->post(std::move(work)); },
      StoreThread::Events{.on_pointer = [this](const Decision& decision, const Etag&) { upgrades_->decided(decision); },
                          .on_rejected = [this](const Rejection& rejection) { upgrades_->rejected(rejection); },
                          .on_staged = [this](Result<StagedRelease> release) { on_staged(std::move(release)); }},
      clock_);
}

void Sidecar::make_deciders() {
  const Upgrades::Parts parts{*loop_, *dir_, *supervisor_, serving_, *attempts_, *swap_, *store_thread_, *announcer_};
  upgrades_ = std::make_unique<Upgrades>(parts);
  boot_ = std::make_unique<Boot>(
      Boot::Parts{parts, *hooks_, *upgrades_, *service_check_},
      Boot::Settings{base_image_, options_.boot_timeout, options_.probation}, [this](const Error& error) {
        give_up(error, error.code == Errc::not_found ? kCommandNotFound : kCommandNotStarted);
      });
  answers_ = std::make_unique<ControlAnswers>(options_.identity, booted_at_, *dir_, serving_, *supervisor_, *swap_,
                                              *service_check_, *store_thread_, clock_);
}

void Sidecar::watch_over_loop() {
  if (options_.watchdog.count() == 0) return;
  auto watchdog = Watchdog::start(*loop_, options_.watchdog, serving_.pid());
  if (watchdog)
    watchdog_ = std::move(watchdog).value();
  else
    log(LogLevel::warning, "watchdog.not_started", {{"error", watchdog.error().to_string()}});
}

void Sidecar::on_signal(int signo) {
  if (signo == SIGCHLD) return supervisor_->reap();
  if (signo != SIGTERM && signo != SIGINT) return pass_to_app(signo);
  log(LogLevel::notice, "sidecar.stopping", {{"signal", signal_name(signo)}});
  if (!boot_->over()) exit_status_ = 128 + signo;
  begin_ending();
  supervisor_->end_all();
  leave_when_empty();
}

void Sidecar::pass_to_app(int signo) {
  Generation* serving = supervisor_->find(serving_.generation());
  if (serving == nullptr) return;
  if (auto sent = serving->child.signal(signo); !sent)
    log(LogLevel::warning, "app.signal_failed", {{"error", sent.error().to_string()}});
}

void Sidecar::on_exit(Generation& generation, const ExitStatus& status) {
  const unsigned number = generation.number;
  if (!ending_ && generation.kill_timer) announcer_->record_again();  // it drains no more
  if (!ending_) {
    const std::string how = how_it_ended(generation);
    if (number == serving_.candidate()) return swap_->candidate_exited(how);
    if (fallback_->exited(number, how) || strategy_->holds(number)) return;
  }
  if (number == serving_.generation()) {
    if (!ending_) {
      log(LogLevel::error, "app.serves_no_more", {{"how", how_it_ended(generation)}});
      boot_->app_ended(status);
    }
    if (swap_->state() != SwapState::lost) exit_status_ = status.code();
    begin_ending();
  }
  leave_when_empty();
}

std::string Sidecar::how_it_ended(const Generation& generation) const {
  std::string how = generation.how_it_ended();
  if (!generation.conflict.empty()) how += "; " + generation.conflict;
  if (generation.ready || generation.child.ended()->success()) return how;
  if (const std::string clause = unreadable_files(generation.release.directory, generation.child.processes());
      !clause.empty())
    how += "; " + clause;
  if (sockets_->mode() == SocketMode::pass)
    how += "; if its address was in use, it binds its port itself: leave --listen out";
  if (sockets_->mode() == SocketMode::off && generation.number != serving_.generation())
    how += "; if its address was in use: two processes can't have one, but for --sockets adopt";
  return how;
}

void Sidecar::on_staged(Result<StagedRelease> release) {
  if (boot_->stages()) return boot_->staged(release);
  swap_->staged(std::move(release));
}

void Sidecar::on_finished(const SwapOutcome& outcome) {
  if (outcome.status == UpgradeStatus::completed) boot_->settled();
  upgrades_->finished(outcome);
  tell_of_drains();
}

void Sidecar::tell_of_drains() {
  constexpr std::chrono::minutes kTellEvery{1};
  if (ending_ || supervisor_->draining().empty()) return;
  drains_told_ = loop_->after(kTellEvery, [this] {
    announcer_->record_again();
    tell_of_drains();
  });
}

void Sidecar::give_up(const Error& error, int status) {
  exit_status_ = report(error, status);
  begin_ending();
  supervisor_->kill_all();
  leave_when_empty();
}

void Sidecar::begin_ending() {
  if (std::exchange(ending_, true)) return;
  boot_->stop();
  upgrades_->stop();
  swap_->stop_requested();
  strategy_->stop_watching();
  announcer_->record(MachineState::stopped);
}

void Sidecar::leave_when_empty() {
  if (ending_ && supervisor_->empty()) loop_->quit();
}

}  // namespace midair::sidecar
