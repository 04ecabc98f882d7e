/// @file
/// What a connection is doing, judged by what the kernel knows of it. Pure functions; the rules and their limits were
/// measured.
#pragma once

#include <array>
#include <chrono>

#include "connections/connection.h"

namespace midair::sidecar {

/// In ascending order of how much its end would hurt: of several judgements the greatest counts.
enum class Activity {
  ended,      ///< the app has said its last: nothing more can be answered here
  idle,       ///< kept alive, nothing under way
  streaming,  ///< the server sends unasked, now and then: events, a WebSocket
  busy,       ///< a request or an answer is under way, or may be
};

/// How many looks in a row have to find a connection idle, and how far apart they are at least.
inline constexpr std::size_t kLooksToBeIdle = 3;
inline constexpr std::chrono::milliseconds kLookInterval{20};
/// What has sent that lately may go on.
inline constexpr std::chrono::milliseconds kBusyAfterSending{50};
/// What was still sent that long after the last thing was received isn't the answer to it.
inline constexpr std::chrono::milliseconds kStreamingAfterReceiving{2000};

/// What one look tells. What the kernel doesn't tell counts as busy.
///
/// Known errors. *Idle* is said of an answer whose head was sent at once and whose body isn't there yet; of a request
/// that came within the same tick (4 ms at 250 Hz) as the answer before it; of a WebSocket on which the server was the
/// last to speak, within 2 s. *Streaming* is said of a kept-alive connection whose last answer took 2 s to be thought
/// out, until the next request. *Busy* is said where the client was the last to speak, as in HTTP/2, which acknowledges
/// what it got.
[[nodiscard]] Activity activity_of(const Connection& look);

/// Whether bytes are under way, or an answer is due; also where the kernel doesn't tell. The first two errors above.
[[nodiscard]] bool is_under_way(const Connection& look);

/// Whether the last answer was sent whole, at least `quiet` ago, and its client can have got it and asked again since,
/// but hasn't: for one that never pauses for long. Such a client acknowledges a short answer no sooner than it asks
/// again, so one segment may be on the way. Of two times within a tick the order is unknown, so this is true only of an
/// answer that was sent in a later tick than its request came.
[[nodiscard]] bool is_quiet_for(const Connection& look, std::chrono::milliseconds quiet);

/// The last looks at one connection, and what they tell together: idle is only what was idle each time.
class ActivityHistory {
 public:
  /// A further look. Call it kLookInterval after the one before, or later.
  void add(Activity look);
  /// busy before the third look, unless it has ended.
  [[nodiscard]] Activity judged() const;

 private:
  std::array<Activity, kLooksToBeIdle> last_{Activity::busy, Activity::busy, Activity::busy};  // the newest first
};

}  // namespace midair::sidecar
