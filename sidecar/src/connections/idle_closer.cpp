#include "connections/idle_closer.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kCountInterval{100};  // of looks that only count, while something changes
constexpr milliseconds kMaxInterval{1000};
constexpr milliseconds kSearchInterval{100};  // of looks that read /proc
constexpr int kPauseForWork = 4;              // times what a search took: a fifth of the loop's time at most
constexpr milliseconds kPart{5};              // of a search, in one turn of the loop
constexpr unsigned kUnaskedToStream = 2;      // one may be the answer to what was received just before a look
constexpr unsigned kMaxClosedAtOnce = 64;  // their clients come back at once, and it bounds the turn: some 30 us each

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
  looked(std::move(sockets).value());
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
  if (*is_read) return looked(course_.search->sockets());
  next_ = loop_.after(milliseconds(0), [this] { read_on(); });
}

void IdleCloser::looked(OwnSockets sockets) {
  course_.sockets = std::move(sockets);
  course_.is_failing = false;
  schedule(judge());
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
bool IdleCloser::judge() {
  std::map<ino_t, Tracked> tracked;
  bool changed = false;
  for (const auto& [inode, socket] : course_.sockets)
    if (track(inode, socket, tracked)) changed = true;
  if (tracked.size() != course_.tracked.size()) changed = true;
  course_.tracked = std::move(tracked);
  if (const auto begins = closing_begins(); begins && loop_.clock().now() >= *begins && close_idle_ones())
    changed = true;
  ++course_.looks;
  const Report now = report();
  course_.empty_looks = now.busy + now.idle + now.streaming == 0 ? course_.empty_looks + 1 : 0;
  return changed;
}

bool IdleCloser::track(ino_t inode, const OwnSocket& socket, std::map<ino_t, Tracked>& tracked) const {
  Activity activity = Activity::ended;
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  for (const Connection& connection : socket.connections) {
    activity = std::max(activity, activity_of(connection));
    received += connection.bytes_received.value_or(0);
    sent += connection.bytes_sent.value_or(0);
  }
  const auto before = course_.tracked.find(inode);
  const bool is_new = before == course_.tracked.end();
  Tracked& now = tracked[inode];
  if (!is_new) now = before->second;
  if (!is_new && received == now.received && sent != now.sent) {
    ++now.sent_unasked;
    now.sent_unasked_at = loop_.clock().now();
  }
  if (received != now.received) now.sent_unasked = 0;
  const bool goes_on =
      now.sent_unasked >= kUnaskedToStream && loop_.clock().now() - now.sent_unasked_at < kStreamingAfterReceiving;
  if (activity == Activity::idle && goes_on) activity = Activity::streaming;
  const bool moved = received != now.received || sent != now.sent;
  const bool changed = is_new || now.last != activity || (moved && activity != Activity::streaming);
  now.history.add(activity);
  now.last = activity;
  now.received = received;
  now.sent = sent;
  return changed;
}

bool IdleCloser::close_idle_ones() {
  unsigned closed = 0;
  for (const auto& [inode, socket] : course_.sockets) {
    if (course_.tracked.at(inode).history.judged() != Activity::idle) continue;
    const auto is_closed = close_if_idle(inode, socket);
    if (!is_closed.ok()) {
      only_count(is_closed.error());
      break;
    }
    if (!*is_closed) continue;
    course_.tracked.erase(inode);
    if (++closed == kMaxClosedAtOnce) break;
  }
  course_.closed += closed;
  return closed > 0;
}

Result<bool> IdleCloser::close_if_idle(ino_t inode, const OwnSocket& socket) {
  auto duplicate = duplicate_socket(socket.pid, socket.fd, inode);
  if (!duplicate.ok() && duplicate.error().code == Errc::not_found) return false;
  if (!duplicate.ok()) return duplicate.error();
  // Reading /proc took its time: a request may have come since. Asked once more, this takes microseconds.
  for (const Connection& connection : socket.connections) {
    const auto now = diag_.find(connection.local, connection.remote);
    if (!now.ok() || !*now || (*now)->inode != inode || activity_of(**now) > Activity::idle) return false;
  }
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
  for (const auto& [inode, tracked] : course_.tracked) {
    switch (tracked.history.judged()) {
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
  return std::ranges::any_of(course_.tracked, [](const auto& entry) {
    const Tracked& tracked = entry.second;
    return tracked.last == Activity::idle && tracked.history.judged() == Activity::busy;
  });
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
  if (begins && now < *begins) pause = std::min(pause, std::chrono::ceil<milliseconds>(*begins - now));
  next_ = loop_.after(std::max(pause, kLookInterval), [this] { look(); });
}

/// When; nothing if never.
std::optional<BootTime> IdleCloser::closing_begins() const {
  if (!course_.may_close || !settings_.close_after) return std::nullopt;
  return course_.begun_at + *settings_.close_after;
}

}  // namespace midair::sidecar
