/// @file
/// What looks at one socket, one after the other, tell together.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "connections/activity.h"
#include "connections/connection.h"
#include "midair/clock.h"

namespace midair::sidecar {

/// One socket of an app, from look to look; with a connection, or several where MPTCP carries it.
///
/// An answer that is sent slowly looks idle between two of its parts. So idle is only believed of a connection that has
/// received nothing for kStreamingAfterReceiving (by then such an answer is known as a stream), or whose client has
/// been seen to ask again and again (so what had looked like the end of an answer was one). And it has to be quiet for
/// longer than it ever was before it sent on unasked.
class WatchedSocket {
 public:
  /// A further look, taken at that time; kLookInterval after the one before, or later. True if something has changed:
  /// what it is taken for, or, unless that is a stream, that bytes went either way.
  bool look(const std::vector<Connection>& connections, BootTime taken_at);

  /// By all looks; busy while that is too early to say.
  [[nodiscard]] Activity judged() const;
  /// True while a few looks more may tell that it is idle.
  [[nodiscard]] bool is_undecided() const { return last_ == Activity::idle && history_.judged() == Activity::busy; }
  /// True while only time will tell.
  [[nodiscard]] bool is_unsettled() const { return history_.judged() == Activity::idle && !is_settled_; }

  /// Whether it may be closed as it is now, by what was asked of the kernel a moment ago: it is judged to be idle and
  /// still looks so.
  [[nodiscard]] bool is_idle(const std::vector<Connection>& now) const;
  /// The same by that last look alone, for one whose client never pauses for long: is_quiet_for(), and nothing has come
  /// or gone since the last call of look().
  [[nodiscard]] bool is_idle_for(std::chrono::milliseconds quiet, const std::vector<Connection>& now) const;

 private:
  [[nodiscard]] bool is_quiet_enough(const Connection& connection) const;
  void learn(std::uint64_t received, std::uint64_t sent, BootTime sent_at);

  ActivityHistory history_;
  Activity last_ = Activity::busy;
  bool is_new_ = true;
  bool is_settled_ = false;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  BootTime sent_at_{};
  unsigned sent_unasked_ = 0;  // looks in which it had sent on, and received nothing, since it last received
  BootTime sent_unasked_at_{};
  bool has_answered_ = false;     // since it last received
  bool seemed_answered_ = false;  // nothing was under way at the last look
  unsigned asked_again_ = 0;      // looks in which it had received something after an answer
  BootTime longest_pause_{};      // between two parts of an answer; forgotten slowly
};

}  // namespace midair::sidecar
