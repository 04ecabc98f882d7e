#include "process/supervisor.h"

#include <sys/epoll.h>

#include <algorithm>
#include <csignal>
#include <iomanip>
#include <random>
#include <sstream>
#include <utility>

#include "midair/duration.h"
#include "midair/log.h"
#include "process/leftovers.h"
#include "process/release_command.h"
#include "release/writable_links.h"

namespace midair::sidecar {

namespace {

/// 128 bits. Nothing secret: it only has to be another one at each start.
std::string random_hex() {
  std::random_device random;
  std::ostringstream text;
  for (int part = 0; part < 4; ++part) text << std::hex << std::setw(8) << std::setfill('0') << random();
  return text.str();
}

SpawnSpec spawn_spec(std::vector<std::string> command, const ReleaseRef& release,
                     const std::filesystem::path& notify_path, const std::filesystem::path& app_path) {
  SpawnSpec spec;
  spec.command = std::move(command);
  spec.directory = release.directory;
  spec.environment["MIDAIR_RELEASE_DIR"] = release.directory.string();
  spec.environment["MIDAIR_VERSION"] = release.version;
  spec.environment["MIDAIR_DIGEST"] = release.digest;
  spec.environment["NOTIFY_SOCKET"] = notify_path.string();
  spec.environment["MIDAIR_SOCKET"] = app_path.string();
  return spec;
}

/// What was asked to end says nothing by how it did, unless it was dead already when it was killed.
std::optional<ExitStatus> ended_by_itself(const Generation& generation) {
  const auto& ended = generation.child.ended();
  const bool by_us = generation.killed ? ended && ended->signal() == SIGKILL : generation.asked_to_end;
  return by_us ? std::nullopt : ended;
}

}  // namespace

std::string Generation::how_it_ended() const {
  if (!child.ended()) return "is alive";
  return child.ended()->text() + (left_behind ? ", and left processes behind: run it in the foreground" : "");
}

Supervisor::Supervisor(EventLoop& loop, const StateDir& dir, AppSockets& sockets, Settings settings, Hooks hooks)
    : loop_(loop),
      dir_(dir),
      sockets_(sockets),
      settings_(std::move(settings)),
      hooks_(std::move(hooks)),
      run_(random_hex()) {
  if (auto diag = SocketDiag::open())
    diag_ = std::move(diag).value();
  else
    log(LogLevel::warning, "connections.unseen", {{"error", diag.error().to_string()}});
}

Result<Generation*> Supervisor::start(const ReleaseRef& release, Entry entry) {
  const unsigned number = ++last_number_;
  if (auto renewed = renew(release.writable.fresh); !renewed)  // on a full disk, too, it is better to serve
    log(LogLevel::warning, "app.places_not_emptied", {{"error", renewed.error().to_string()}});
  MIDAIR_TRY_ASSIGN(NotifySocket notify, NotifySocket::open(dir_.notify_socket(number)));
  MIDAIR_TRY_ASSIGN(auto app, AppSocket::open(loop_, dir_.app_socket(number)));
  SpawnSpec spec = spawn_spec(command_for(release, number), release, notify.path(), app->path());
  auto lent = sockets_.lend(number, entry == Entry::when_resumed);
  if (!lent) {
    sockets_.ended(number);  // some may have been
    return std::move(lent).error();
  }
  spec.passed_fds = std::move(lent).value();
  for (const auto& stored : store_.named()) spec.passed_fds.push_back(stored);
  spec.adopt_sockets = sockets_.mode() == SocketMode::adopt;
  spec.hear_paths = sockets_.hears_paths();
  spec.environment[kMarkerVariable] = run_ + "." + std::to_string(number);
  OutputEnds ends = settings_.output == nullptr ? OutputEnds() : settings_.output->open(number, release.version);
  spec.standard_output = ends.standard_output;
  spec.standard_error = ends.standard_error;
  auto spawned = Child::spawn(spec);
  if (!spawned) {
    sockets_.ended(number);
    return std::move(spawned).error();
  }
  Child child = std::move(spawned).value();
  if (spec.adopt_sockets) sockets_.hear(number, child.take_socket_calls());
  if (auto recorded = record_tree(dir_.sessions(), child.tree()); !recorded)
    log(LogLevel::warning, "app.not_recorded", {{"error", recorded.error().to_string()}});

  generations_.push_back(
      std::make_unique<Generation>(number, release, std::move(child), std::move(notify), std::move(app)));
  Generation& generation = *generations_.back();
  generation.output = std::move(ends.output);
  generation.app->serve(generation.child.tree(), {number, release.digest, entry == Entry::when_resumed});
  generation.notify_watch =
      loop_.watch(generation.notify.fd(), EPOLLIN, [this, &generation](std::uint32_t) { hear(generation); });
  generation.child_watch =
      loop_.watch(generation.child.fd(), EPOLLIN, [this, &generation](std::uint32_t) { look(generation); });
  log(LogLevel::notice, "app.started",
      {{"generation", std::to_string(number)},
       {"pid", std::to_string(generation.child.pid())},
       {"release", release.describe()}});
  return &generation;
}

std::vector<std::string> Supervisor::command_for(const ReleaseRef& release, unsigned number) const {
  if (release.is_base_image()) return settings_.command;
  ReleaseCommand command = release_command(settings_.command, settings_.base_dir, release.directory);
  if (command.mapped.empty()) return settings_.command;
  std::string words;
  for (const std::string& word : command.mapped) words += (words.empty() ? "" : " ") + word;
  log(LogLevel::info, "app.command_mapped",
      {{"generation", std::to_string(number)}, {"words", words}, {"into", release.directory.string()}});
  return std::move(command.words);
}

void Supervisor::drain(Generation& generation) {
  if (generation.asked_to_end || generation.kill_timer) return;
  generation.drain = std::make_unique<Drain>(loop_, sockets_, generation.number);
  end_after(generation, kQueueLimit);
}

void Supervisor::let_go(Generation& generation) {
  const auto processes = [&generation] { return generation.child.processes(); };
  generation.drain = diag_ ? std::make_unique<Drain>(loop_, *diag_, sockets_, generation.number,
                                                     Drain::Settings{settings_.close_idle, processes})
                           : std::make_unique<Drain>(loop_, sockets_, generation.number);
}

void Supervisor::drain_when_finished(Generation& generation) {
  constexpr std::chrono::milliseconds kToEnd{5000};  // between the signal and the kill, a quarter of the time at most
  if (generation.asked_to_end || generation.kill_timer) return;
  if (!generation.drain) let_go(generation);
  end_after(generation, settings_.drain_timeout - std::min(kToEnd, settings_.drain_timeout / 4));
}

/// Asks it to end once it has finished, at the latest after `limit`; an app that is told to may close its sockets at
/// once, whoever waits in their queues.
void Supervisor::end_after(Generation& generation, std::chrono::milliseconds limit) {
  log(LogLevel::info, "app.draining",
      {{"generation", std::to_string(generation.number)}, {"limit", format_duration(settings_.drain_timeout)}});
  limit_time(generation);
  generation.drain->when_finished(limit, [this, &generation] { ask_to_end(generation); });
}

void Supervisor::limit_time(Generation& generation) {
  if (generation.kill_timer) return;
  limit_draining();
  generation.drains_since = loop_.clock().wall();
  generation.kill_timer = loop_.after(settings_.drain_timeout, [this, &generation] {
    log(LogLevel::warning, "app.drain_timeout", {{"generation", std::to_string(generation.number)}});
    kill(generation);
  });
}

void Supervisor::ask_to_end(Generation& generation) {
  // Once: some servers take a second signal for an order to cut what they are at.
  if (std::exchange(generation.asked_to_end, true)) return;
  if (generation.child.ended()) return;  // the others were asked when it did
  if (auto sent = generation.child.signal(settings_.stop_signal); !sent)
    log(LogLevel::warning, "app.signal_failed", {{"error", sent.error().to_string()}});
  sockets_.told_to_end(generation.number);
}

void Supervisor::kill(Generation& generation) {
  generation.asked_to_end = true;
  generation.killed = true;
  generation.child.kill_all();
  // What the kernel does not let go of isn't waited for, but for the main process.
  if (generation.child.ended()) generation.kill_timer = loop_.after({}, [this, &generation] { remove(generation); });
}

void Supervisor::end_all() {
  for (const auto& generation : generations_) ask_to_end(*generation);
}

void Supervisor::kill_all() {
  for (const auto& generation : generations_) kill(*generation);
}

void Supervisor::reap() { [[maybe_unused]] const auto subreapers_and_their_orphans = reaper_.drain(); }

Generation* Supervisor::find(unsigned number) {
  for (const auto& generation : generations_)
    if (generation->number == number) return generation.get();
  return nullptr;
}

void Supervisor::hear(Generation& generation) {
  for (NotifyMessage& message : generation.notify.drain(generation.child.tree())) {
    if (const auto status = message.fields.find("STATUS"); status != message.fields.end())
      generation.status = status->second;
    if (const auto ready = message.fields.find("READY"); ready != message.fields.end() && ready->second == "1") {
      generation.ready = true;
      if (generation.on_ready) generation.on_ready();
    }
    keep(generation, message);
  }
}

void Supervisor::keep(Generation& generation, NotifyMessage& message) {
  const auto named = message.fields.find("FDNAME");
  const std::string name = named == message.fields.end() ? "stored" : named->second;
  if (message.fields.contains("FDSTOREREMOVE")) store_.remove(name);
  if (!message.fields.contains("FDSTORE")) return;
  for (Fd& fd : message.fds)
    if (auto added = store_.add(name, std::move(fd)); !added)
      log(LogLevel::warning, "app.fd_refused",
          {{"generation", std::to_string(generation.number)}, {"error", added.error().to_string()}});
}

void Supervisor::look(Generation& generation) {
  hear(generation);  // READY=1 followed by an immediate exit must be seen in that order (systemd issue 15547)
  const bool had_ended = generation.child.ended().has_value();
  generation.child.look();
  if (generation.child.over()) return remove(generation);
  if (generation.child.ended() && !had_ended) main_process_ended(generation);
}

void Supervisor::main_process_ended(Generation& generation) {
  if (!generation.asked_to_end)
    generation.left_behind = generation.child.ended()->success() && generation.child.lives();
  const bool may_finish = generation.asked_to_end && !generation.killed;
  if (!may_finish || !generation.child.signal_rest(settings_.stop_signal)) return remove(generation);
  // A wrapper ends at once, and what it wraps finishes what it has begun.
  log(LogLevel::info, "app.leader_ended",
      {{"generation", std::to_string(generation.number)}, {"how", generation.how_it_ended()}});
  limit_time(generation);
}

void Supervisor::remove(Generation& ending) {
  const auto found = std::find_if(generations_.begin(), generations_.end(),
                                  [&ending](const auto& generation) { return generation.get() == &ending; });
  // Out of the list first: the hook may start and end others. Destroying it kills what is left of it.
  const std::unique_ptr<Generation> generation = std::move(*found);
  generations_.erase(found);
  log(generation->asked_to_end ? LogLevel::info : LogLevel::warning, "app.ended",
      {{"generation", std::to_string(generation->number)}, {"how", generation->how_it_ended()}});
  generation->conflict = sockets_.conflict(generation->number);
  remember(*generation);
  sockets_.ended(generation->number);
  hooks_.on_exit(*generation, *generation->child.ended());
  generation->app->close("it " + generation->how_it_ended());
}

/// Who asks why a swap failed may do so when what it brought up has been ended, and others were started.
void Supervisor::remember(const Generation& ended) {
  constexpr std::size_t kRemembered = 4;
  LastWords words;
  if (ended.output) words.lines = ended.output->last_lines();
  words.ended_by_itself = ended_by_itself(ended);
  ended_lately_.emplace_back(ended.number, std::move(words));
  if (ended_lately_.size() > kRemembered) ended_lately_.pop_front();
}

LastWords Supervisor::last_words(unsigned number) const {
  for (const auto& generation : generations_)
    if (generation->number == number)
      return {generation->output ? generation->output->last_lines() : std::vector<std::string>(),
              ended_by_itself(*generation)};
  for (const auto& [ended, words] : ended_lately_)
    if (ended == number) return words;
  return {};
}

std::vector<const Generation*> Supervisor::draining() const {
  std::vector<const Generation*> draining;
  for (const auto& generation : generations_)
    if (generation->kill_timer && !generation->killed) draining.push_back(generation.get());
  return draining;
}

void Supervisor::limit_draining() {
  const auto others = draining();
  if (others.size() < settings_.max_draining) return;
  log(LogLevel::warning, "app.drain_cut", {{"generation", std::to_string(others.front()->number)}});
  if (Generation* oldest = find(others.front()->number)) kill(*oldest);
}

}  // namespace midair::sidecar
