#include "sockets/listen_group.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

// Who leaves a group, and what becomes of those who wait: the part of ListenGroup by which places change.

namespace midair::sidecar {

Result<void> ListenGroup::leave(unsigned generation) {
  if (private_way_ && private_way_->generation == generation) private_way_.reset();
  if (generation == served_) {
    for (Member& member : members_)
      if (member.generation == generation) belong(member, kOurs);
    served_ = kOurs;
    return steer_anew();
  }
  for (std::size_t place = members_.size(); place-- > 0;)
    if (members_[place].generation == generation) MIDAIR_TRY(take_out(place));
  return remove_surplus();
}

Result<unsigned> ListenGroup::retire(unsigned generation) {
  std::vector<Member> retired;
  for (std::size_t place = members_.size(); place-- > 0;) {
    if (members_[place].generation != generation) continue;
    MIDAIR_TRY_ASSIGN(Member member, take_out(place));
    retired.push_back(std::move(member));
  }
  // Nobody is moved to one of them: the first is back when all have left, and who waited elsewhere has gone too.
  MIDAIR_TRY_ASSIGN(const unsigned moved, move_waiting(true));
  for (Member& member : retired) {
    if (::listen(member.fd.get(), SOMAXCONN) != 0) return cannot_listen();
    members_.push_back(std::move(member));
  }
  MIDAIR_TRY(steer_anew());
  MIDAIR_TRY(remove_surplus());
  return moved;
}

Result<void> ListenGroup::drop(int member) {
  const auto place = place_of(member);
  if (!place) return {};
  members_[*place].generation = kLeaving;
  if (!has(kOurs)) MIDAIR_TRY(add_ours(false));
  MIDAIR_TRY(steer_anew());
  MIDAIR_TRY(take_out(*place));
  return {};
}

Result<void> ListenGroup::keep_the_last_in_place(std::size_t leaving) {
  const bool last_leaves = leaving + 1 == members_.size();
  return !last_leaves && last_is_served() ? add_ours(false) : Result<void>();
}

void ListenGroup::fill_place(std::size_t place) {
  if (place + 1 != members_.size()) std::swap(members_[place], members_.back());
}

Result<ListenGroup::Member> ListenGroup::take_out(std::size_t place) {
  MIDAIR_TRY(keep_the_last_in_place(place));
  ::shutdown(members_[place].fd.get(), SHUT_RD);  // leaves the group, whoever else holds it
  fill_place(place);
  Member out = std::move(members_.back());
  members_.pop_back();
  if (private_way_) MIDAIR_TRY(steer_anew());
  return out;
}

Result<void> ListenGroup::revive(int member) {
  const auto place = place_of(member);
  if (!place) return {};
  fill_place(*place);
  Member revived = std::move(members_.back());
  members_.pop_back();
  MIDAIR_TRY(steer_anew());  // it may have been the only one that is served, or the last that moved
  if (::listen(revived.fd.get(), SOMAXCONN) != 0) return cannot_listen();
  members_.push_back(std::move(revived));
  return steer_anew();
}

/// Those of ours behind which a served one stands have to wait until another generation listens.
Result<void> ListenGroup::remove_surplus() {
  for (;;) {
    const auto place = surplus_place();
    if (!place || (last_is_served() && *place + 1 != members_.size())) return {};
    MIDAIR_TRY(take_out(*place));
  }
}

/// The last of ours that nobody waits in, nor is sent to; nothing if there is only one of ours.
std::optional<std::size_t> ListenGroup::surplus_place() const {
  const auto served = places();
  unsigned ours = 0;
  std::optional<std::size_t> surplus;
  for (std::size_t place = 0; place < members_.size(); ++place) {
    if (members_[place].generation != kOurs) continue;
    ++ours;
    const bool used = std::find(served.begin(), served.end(), place) != served.end();
    if (!used && !has_to_stay(place) && waiting_clients(members_[place].fd.get()).value_or(0) == 0) surplus = place;
  }
  return ours > 1 ? surplus : std::nullopt;
}

Result<unsigned> ListenGroup::move_waiting(bool kernel_moves) {
  if (served_ == kOurs || !has(served_)) return 0U;
  unsigned all = 0;
  // The kernel moves by hash, so first of all maybe to another of ours: each has its turn, until one is left.
  for (std::size_t turns = members_.size() + 1; turns > 0; --turns) {
    const std::size_t place = waiting_place();
    const unsigned waiting = waiting_clients(members_[place].fd.get()).value_or(0);
    if (waiting == 0) break;
    all = kernel_moves ? std::max(all, waiting) : all + waiting;
    MIDAIR_TRY(empty(place));
  }
  return all;
}

/// Lets one of ours leave; if it has to stay it listens again, at the last place. If a served one is last, it comes to
/// the place that is left: so whoever connects in between is led there, and moves along.
Result<void> ListenGroup::empty(std::size_t place) {
  const bool stays = has_to_stay(place);
  if (last_is_served()) MIDAIR_TRY(steer(plain_member(), {{static_cast<unsigned>(place)}}));
  ::shutdown(members_[place].fd.get(), SHUT_RD);
  fill_place(place);
  if (!stays)
    members_.pop_back();
  else if (::listen(members_.back().fd.get(), SOMAXCONN) != 0)
    return cannot_listen();
  return steer_anew();
}

}  // namespace midair::sidecar
