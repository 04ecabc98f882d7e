#include "connections/idle_closer.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kCountInterval{100};  // of looks that only count, while something changes
constexpr milliseconds kMaxInterval{1000};
constexpr milliseconds kSearchInterval{100};  // of looks that read /proc
constexpr int kPauseForWork = 4;              // times what a search took: a fifth of the loop's time at most
constexpr milliseconds kPart{5};              // of a search, in one turn of the loop
constexpr unsigned kMaxClosedAtOnce = 64;  // their clients come back at once, and it bounds the turn: some 30 us each

/// How quiet a connection has to be that was never judged idle, the longer closing lasts.
struct Patience {
  milliseconds lasting;
  milliseconds quiet;
};
constexpr std::array kPatience{Patience{milliseconds(6000), milliseconds(5)},
                               Patience{milliseconds(2000), milliseconds(10)}};

std::optional<milliseconds> quiet_enough(std::chrono::nanoseconds lasting) {
  for (const Patience& patience : kPatience)
    if (lasting >= patience.lasting) return patience.quiet;
  return std::nullopt;
}

}  // namespace

IdleCloser::IdleCloser(EventLoop& loop, SocketDiag& diag, Settings settings, Hooks hooks)
    : loop_(loop),
      diag_(diag),
      settings_(std::move(settings)),
      hooks_(std::make_shared<const Hooks>(std::move(hooks))) {}

void IdleCloser::begin() {
  course_ = {};
  course_.begun_at = loop_.clock().now();
  telling_.reset();
  next_ = loop_.after(milliseconds(0), [this] { look(); });
}

void IdleCloser::look() {
  const BootTime pause = std::max<BootTime>(kSearchInterval, course_.search_took * kPauseForWork);
  const bool is_due = loop_.clock().now() >= course_.search_began + pause;
  // That none is left, only a search can tell.
  if (course_.sockets.empty() || course_.empty_looks > 0 || is_due) return begin_search();
  auto sockets = look_again(diag_, settings_.ports, course_.sockets);
  if (!sockets.ok()) return look_failed(sockets.error());
  looked(std::move(sockets).value(), loop_.clock().now());
}

void IdleCloser::begin_search() {
  course_.search_began = loop_.clock().now();
  auto search = GenerationLook::begin(diag_, settings_.ports, settings_.processes);
  if (!search.ok()) return look_failed(search.error());
  course_.search = std::move(search).value();
  course_.search_took = loop_.clock().now() - course_.search_began;
  next_ = loop_.after(milliseconds(0), [this] { read_on(); });
}

void IdleCloser::read_on() {
  const BootTime start = loop_.clock().now();
  const auto is_read = course_.search->read_on(kPart);
  if (!is_read.ok()) return look_failed(is_read.error());
  course_.search_took += loop_.clock().now() - start;
  if (*is_read) return looked(course_.search->sockets(), course_.search_began);
  next_ = loop_.after(milliseconds(0), [this] { read_on(); });
}

void IdleCloser::looked(OwnSockets sockets, BootTime taken_at) {
  course_.sockets = std::move(sockets);
  course_.is_failing = false;
  schedule(judge(taken_at));
  const auto hooks = hooks_;
  hooks->on_look(report());
}

void IdleCloser::look_failed(const Error& error) {
  course_.empty_looks = 0;
  next_ = loop_.after(kMaxInterval, [this] { look(); });
  if (std::exchange(course_.is_failing, true)) return;
  const auto hooks = hooks_;
  hooks->on_error(error);
}

/// True if something has changed since the look before, streams excepted.
bool IdleCloser::judge(BootTime taken_at) {
  std::map<ino_t, WatchedSocket> watched;
  bool changed = false;
  for (const auto& [inode, socket] : course_.sockets) {
    const auto before = course_.watched.find(inode);
    WatchedSocket& now = watched[inode];
    if (before != course_.watched.end()) now = before->second;
    if (now.look(socket.connections, taken_at)) changed = true;
  }
  if (watched.size() != course_.watched.size()) changed = true;
  course_.watched = std::move(watched);
  const auto begins = closing_begins();
  if (begins && loop_.clock().now() >= *begins && close_idle_ones(loop_.clock().now() - *begins)) changed = true;
  ++course_.looks;
  const Report now = report();
  course_.empty_looks = now.busy + now.idle + now.streaming == 0 ? course_.empty_looks + 1 : 0;
  return changed;
}

bool IdleCloser::close_idle_ones(std::chrono::nanoseconds lasting) {
  const auto quiet = quiet_enough(lasting);
  const IsIdle is_idle = [quiet](const WatchedSocket& socket, const std::vector<Connection>& now) {
    return socket.is_idle(now) || (quiet && socket.is_idle_for(*quiet, now));
  };
  unsigned closed = 0;
  for (const auto& [inode, socket] : course_.sockets) {
    if (!is_idle(course_.watched.at(inode), socket.connections)) continue;
    const auto is_closed = close_if_idle(inode, socket, is_idle);
    if (!is_closed.ok()) {
      only_count(is_closed.error());
      break;
    }
    if (!*is_closed) continue;
    course_.watched.erase(inode);
    if (++closed == kMaxClosedAtOnce) break;
  }
  course_.closed += closed;
  return closed > 0;
}

Result<bool> IdleCloser::close_if_idle(ino_t inode, const OwnSocket& socket, const IsIdle& is_idle) {
  auto duplicate = duplicate_socket(socket.pid, socket.fd, inode);
  if (!duplicate.ok() && duplicate.error().code == Errc::not_found) return false;
  if (!duplicate.ok()) return duplicate.error();
  // Reading /proc took its time: a request may have come since. Asked once more, this takes microseconds.
  std::vector<Connection> now;
  for (const Connection& connection : socket.connections) {
    auto found = diag_.find(connection.local, connection.remote);
    if (!found.ok() || !*found || (*found)->inode != inode) return false;
    now.push_back(**found);
  }
  if (!is_idle(course_.watched.at(inode), now)) return false;
  return ::shutdown(duplicate->get(), SHUT_WR) == 0;
}

void IdleCloser::only_count(const Error& why) {
  course_.may_close = false;
  telling_ = loop_.after(milliseconds(0), [this, why] {
    const auto hooks = hooks_;
    hooks->on_error(why);
  });
}

IdleCloser::Report IdleCloser::report() const {
  Report report;
  for (const auto& [inode, socket] : course_.watched) {
    switch (socket.judged()) {
      case Activity::busy: ++report.busy; break;
      case Activity::idle: ++report.idle; break;
      case Activity::streaming: ++report.streaming; break;
      case Activity::ended: break;
    }
  }
  report.closed = course_.closed;
  report.none_left = course_.empty_looks >= kLooksToBeIdle;
  return report;
}

/// True while a few looks more will tell: of a connection that may be idle, or that none is left.
bool IdleCloser::is_undecided() const {
  if (course_.looks < kLooksToBeIdle || (course_.empty_looks > 0 && course_.empty_looks < kLooksToBeIdle)) return true;
  return std::ranges::any_of(course_.watched, [](const auto& entry) { return entry.second.is_undecided(); });
}

void IdleCloser::schedule(bool changed) {
  const BootTime now = loop_.clock().now();
  const auto begins = closing_begins();
  const milliseconds shortest = begins && now >= *begins ? kLookInterval : kCountInterval;
  const bool is_to_be_decided = is_undecided();
  if (changed || is_to_be_decided)
    course_.interval = shortest;
  else
    course_.interval = std::clamp(course_.interval * 2, shortest, kMaxInterval);
  milliseconds pause = is_to_be_decided ? kLookInterval : course_.interval;
  if (std::ranges::any_of(course_.watched, [](const auto& entry) { return entry.second.is_unsettled(); }))
    pause = std::min(pause, kCountInterval);
  if (begins && now < *begins) pause = std::min(pause, std::chrono::ceil<milliseconds>(*begins - now));
  next_ = loop_.after(std::max(pause, kLookInterval), [this] { look(); });
}

/// When; nothing if never.
std::optional<BootTime> IdleCloser::closing_begins() const {
  if (!course_.may_close || !settings_.close_after) return std::nullopt;
  return course_.begun_at + *settings_.close_after;
}

}  // namespace midair::sidecar
