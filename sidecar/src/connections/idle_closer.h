/// @file
/// Drains a generation that doesn't cooperate: counts what its connections are doing, and closes idle ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "connections/generation_connections.h"
#include "connections/socket_diag.h"
#include "connections/watched_socket.h"
#include "loop/event_loop.h"
#include "midair/error.h"

namespace midair::sidecar {

/// Looks at the connections of one generation again and again, and from a given time on closes those that are kept
/// alive, each in an idle moment, by shutdown(SHUT_WR) on a duplicate: what a server's keep-alive timeout does. The
/// client gets a clean end, the app an EOF once the client closes too. Streaming ones are left alone. A request that
/// crosses the end is lost to its client, who may send it again (RFC 9112, 9.3.1); the app may get EPIPE for it.
///
/// What is never found idle, as its client asks again too soon, is closed in a shorter moment of quiet: of 10 ms from 2
/// s after closing has begun on, of 5 ms from 6 s on.
///
/// Meant for a generation that gets no new connections any more. Looks are 20 ms apart where a connection is about to
/// be idle and while it closes, and up to 1 s while nothing changes. Most ask the kernel only; /proc is read at most
/// every 100 ms, for a fifth of the loop's time at most, in parts of 5 ms. No part waits. Loop thread only.
class IdleCloser {
 public:
  struct Settings {
    std::vector<std::uint16_t> ports;  ///< that the generation serves
    GenerationProcesses processes;     ///< of the generation
    /// How long after begin() idle ones begin to be closed; nothing: never, they are only counted.
    std::optional<std::chrono::milliseconds> close_after;
  };

  /// What one look found. Ended connections don't count, nor those that wait to be accepted.
  struct Report {
    unsigned busy = 0;  ///< or too new to be judged
    unsigned idle = 0;
    unsigned streaming = 0;
    std::uint64_t closed = 0;  ///< by us, since begin()
    bool none_left = false;    ///< this look and the two before it found none
  };

  /// Called from the loop; each may destroy the closer, or begin() anew.
  struct Hooks {
    std::function<void(const Report&)> on_look;
    /// Told once that sockets can't be duplicated (Errc::denied where it is not permitted): from then on they are only
    /// counted. Also that a look has failed, so that nothing is known (no on_look): it is tried again each second, and
    /// told again only if one went well in between.
    std::function<void(const Error&)> on_error;
  };

  /// Does nothing before begin(). `loop` and `diag` must outlive it; several closers may share a `diag`.
  IdleCloser(EventLoop& loop, SocketDiag& diag, Settings settings, Hooks hooks);
  IdleCloser(const IdleCloser&) = delete;
  IdleCloser& operator=(const IdleCloser&) = delete;

  /// Starts to look, from the loop, until it is destroyed.
  void begin();

 private:
  using IsIdle = std::function<bool(const WatchedSocket&, const std::vector<Connection>&)>;

  void look();
  void begin_search();
  void read_on();
  void looked(OwnSockets sockets, BootTime taken_at);
  void look_failed(const Error& error);
  bool judge(BootTime taken_at);
  bool close_idle_ones(std::chrono::nanoseconds lasting);
  [[nodiscard]] Result<bool> close_if_idle(ino_t inode, const OwnSocket& socket, const IsIdle& is_idle);
  void only_count(const Error& why);
  [[nodiscard]] Report report() const;
  [[nodiscard]] bool is_undecided() const;
  void schedule(bool changed);
  [[nodiscard]] std::optional<BootTime> closing_begins() const;

  EventLoop& loop_;
  SocketDiag& diag_;
  const Settings settings_;
  const std::shared_ptr<const Hooks> hooks_;  // lives through a call that destroys us

  struct Course {
    BootTime begun_at{};
    unsigned looks = 0;
    unsigned empty_looks = 0;  // in a row, up to the last
    std::uint64_t closed = 0;
    bool may_close = true;
    bool is_failing = false;                             // the last look has failed
    std::chrono::milliseconds interval = kLookInterval;  // to the next look
    std::optional<GenerationLook> search{};              // under way, or the last
    BootTime search_began{};
    BootTime search_took{};  // of the loop's time
    OwnSockets sockets{};    // as last seen
    std::map<ino_t, WatchedSocket> watched{};
  } course_;  // since begin()
  EventLoop::Timer next_;
  EventLoop::Timer telling_;
};

}  // namespace midair::sidecar
