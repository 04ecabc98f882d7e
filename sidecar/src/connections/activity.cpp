#include "connections/activity.h"

#include <algorithm>

namespace midair::sidecar {

namespace {

/// True once the app has ended its side, and the peer has all that was sent before.
bool has_said_its_last(const Connection& look) {
  constexpr std::uint32_t kFin = 1;  // counts as a byte
  switch (look.state) {
    case TcpState::fin_wait_1:
    case TcpState::closing:
    case TcpState::last_ack: return look.wqueue <= kFin;
    case TcpState::fin_wait_2:
    case TcpState::time_wait:
    case TcpState::closed: return true;
    default: return false;
  }
}

bool is_all_known(const Connection& look) {
  return look.unacked && look.bytes_received && look.bytes_sent && look.last_data_sent && look.last_data_recv;
}

}  // namespace

/// The time since the last sending counts from the beginning of the connection if there was none: so before the first
/// answer it tells nothing.
bool is_under_way(const Connection& look) {
  return !is_all_known(look) || look.rqueue > 0 || look.wqueue > 0 || *look.unacked > 0 ||
         (*look.bytes_received > 0 && *look.bytes_sent == 0) || *look.last_data_recv < *look.last_data_sent;
}

Activity activity_of(const Connection& look) {
  if (has_said_its_last(look)) return Activity::ended;
  if (is_under_way(look)) return Activity::busy;
  if (*look.last_data_recv - *look.last_data_sent >= kStreamingAfterReceiving) return Activity::streaming;
  return *look.last_data_sent < kBusyAfterSending ? Activity::busy : Activity::idle;
}

bool is_quiet_for(const Connection& look, std::chrono::milliseconds quiet) {
  if (!is_all_known(look) || !look.not_sent || !look.min_rtt || has_said_its_last(look)) return false;
  const bool is_written_whole = look.rqueue == 0 && *look.not_sent == 0 && *look.unacked <= 1;
  return is_written_whole && *look.last_data_recv > *look.last_data_sent &&
         *look.last_data_sent >= quiet + *look.min_rtt;
}

void ActivityHistory::add(Activity look) {
  std::rotate(last_.begin(), last_.end() - 1, last_.end());
  last_.front() = look;
}

Activity ActivityHistory::judged() const {
  return last_.front() == Activity::ended ? Activity::ended : *std::ranges::max_element(last_);
}

}  // namespace midair::sidecar
