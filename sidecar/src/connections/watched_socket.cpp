#include "connections/watched_socket.h"

#include <algorithm>

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

constexpr unsigned kUnaskedToStream = 2;      // one may be the answer to what was received just before a look
constexpr unsigned kAskedAgainToBeKnown = 3;  // answers that were seen to be complete
constexpr int kTimesLongestPause = 2;
constexpr int kForgottenByAnAnswer = 16;  // of what is left of a pause: half of it in eleven answers

struct Bytes {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  bool operator==(const Bytes&) const = default;
};

Bytes bytes_of(const std::vector<Connection>& connections) {
  Bytes bytes;
  for (const Connection& connection : connections) {
    bytes.received += connection.bytes_received.value_or(0);
    bytes.sent += connection.bytes_sent.value_or(0);
  }
  return bytes;
}

BootTime last_sent(const std::vector<Connection>& connections, BootTime taken_at) {
  BootTime sent_at{};
  for (const Connection& connection : connections)
    sent_at = std::max(sent_at, taken_at - connection.last_data_sent.value_or(milliseconds(0)));
  return sent_at;
}

}  // namespace

bool WatchedSocket::look(const std::vector<Connection>& connections, BootTime taken_at) {
  Activity activity = Activity::ended;
  for (const Connection& connection : connections) activity = std::max(activity, activity_of(connection));
  const auto [received, sent] = bytes_of(connections);
  const bool moved = received != received_ || sent != sent_;
  const BootTime sent_at = last_sent(connections, taken_at);
  if (!is_new_) learn(received, sent, sent_at);
  const bool goes_on = sent_unasked_ >= kUnaskedToStream && taken_at - sent_unasked_at_ < kStreamingAfterReceiving;
  if (activity == Activity::idle && goes_on) activity = Activity::streaming;
  const bool changed = is_new_ || last_ != activity || (moved && activity != Activity::streaming);
  history_.add(activity);
  last_ = activity;
  received_ = received;
  sent_ = sent;
  sent_at_ = sent_at;
  is_new_ = false;
  seemed_answered_ = std::ranges::none_of(connections, is_under_way);
  is_settled_ = std::ranges::all_of(connections, [this](const Connection& each) { return is_quiet_enough(each); });
  return changed;
}

/// From what has changed since the look before.
void WatchedSocket::learn(std::uint64_t received, std::uint64_t sent, BootTime sent_at) {
  if (received == received_ && sent != sent_) {
    ++sent_unasked_;
    sent_unasked_at_ = sent_at;
    if (seemed_answered_) longest_pause_ = std::max(longest_pause_, sent_at - sent_at_);
  }
  if (received != received_) {
    sent_unasked_ = 0;
    if (has_answered_) {
      ++asked_again_;
      longest_pause_ -= longest_pause_ / kForgottenByAnAnswer;
    }
    has_answered_ = false;
  }
  if (sent != sent_) has_answered_ = true;
}

/// Long enough to believe that nothing follows.
bool WatchedSocket::is_quiet_enough(const Connection& connection) const {
  const bool is_known = asked_again_ >= kAskedAgainToBeKnown;
  if (connection.bytes_received.value_or(1) == 0) return true;
  if (!is_known && connection.last_data_recv.value_or(milliseconds(0)) < kStreamingAfterReceiving) return false;
  return connection.last_data_sent.value_or(milliseconds(0)) >= kTimesLongestPause * longest_pause_;
}

Activity WatchedSocket::judged() const {
  const Activity judged = history_.judged();
  return judged == Activity::idle && !is_settled_ ? Activity::busy : judged;
}

bool WatchedSocket::is_idle(const std::vector<Connection>& now) const {
  return judged() == Activity::idle && std::ranges::all_of(now, [](const Connection& connection) {
           return activity_of(connection) <= Activity::idle;
         });
}

bool WatchedSocket::is_idle_for(milliseconds quiet, const std::vector<Connection>& now) const {
  // By which of several connections an answer goes, nobody can tell.
  return now.size() == 1 && asked_again_ >= kAskedAgainToBeKnown && bytes_of(now) == Bytes{received_, sent_} &&
         last_ != Activity::streaming && is_quiet_for(now.front(), quiet) && is_quiet_enough(now.front());
}

}  // namespace midair::sidecar
