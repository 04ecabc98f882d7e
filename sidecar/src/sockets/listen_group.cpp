#include "sockets/listen_group.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sockets/socket_options.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

/// As socket-activated apps expect it, whatever an earlier app has made of it.
void make_plain(int listener) {
  ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) & ~O_NONBLOCK);
  set_option(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
  ::listen(listener, SOMAXCONN);
}

bool takes_ip4(const SocketAddress& address, bool v6_only) {
  return address.af() == AF_INET || !is_v6_only(address, v6_only);
}

}  // namespace

Error ListenGroup::cannot_listen() const {
  Error error = system_error(errno, "listen on", address_.toString());
  if (error.sys == EADDRINUSE)
    error.hint = "stop what else listens there ([::] takes IPv4 too), or choose another port";
  return error;
}

Result<ListenGroup> ListenGroup::open(const SocketAddress& address, bool v6_only, uid_t owner, bool app_bound) {
  ListenGroup group(address, is_v6_only(address, v6_only), owner);
  MIDAIR_TRY(group.add_ours(!app_bound));
  MIDAIR_TRY_ASSIGN(const TcpSocket first, tcp_socket(group.members_.front().fd.get()));
  group.address_ = first.address;
  if (address.port() == 0) {
    // A socket that was given its port loses it when it stops listening (tcp_set_state() in net/ipv4/tcp.c).
    MIDAIR_TRY(group.add_ours(false));
    group.members_.erase(group.members_.begin());
  }
  MIDAIR_TRY(group.steer_anew());
  return group;
}

/// `alone`: nobody else may have bound the address. The kernel looks at SO_REUSEPORT when it binds, and of each socket
/// that is bound already when another one is.
Result<void> ListenGroup::add_ours(bool alone) {
  Fd fd(::socket(address_.af(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return cannot_listen();
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!alone) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address_.af() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only_ ? 1 : 0);
  if (owner_ != ::geteuid() && ::fchown(fd.get(), owner_, static_cast<gid_t>(-1)) != 0) return cannot_listen();
  if (::bind(fd.get(), address_.addr(), address_.length()) != 0) return cannot_listen();
  set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(fd.get(), SOMAXCONN) != 0) return cannot_listen();
  members_.push_back({std::move(fd), kOurs});
  return {};
}

bool ListenGroup::overlaps(const SocketAddress& address, bool v6_only) const {
  if (address.port() != address_.port()) return false;
  const SocketAddress one = unmapped(address);
  const SocketAddress other = unmapped(address_);
  const bool wild = one.host().isWildcard() || other.host().isWildcard();
  if (one.af() == other.af()) return wild || one.host() == other.host();
  return wild && takes_ip4(one, v6_only) && takes_ip4(other, v6_only_);
}

Result<int> ListenGroup::lend(unsigned generation) {
  auto place = served_ == kOurs ? std::nullopt : surplus_place();
  if (!place) {
    MIDAIR_TRY(add_ours(false));  // one of ours remains
    place = served_ == kOurs ? waiting_place() : members_.size() - 1;
  }
  Member& lent = members_[*place];
  belong(lent, generation);
  make_plain(lent.fd.get());
  MIDAIR_TRY(steer_anew());
  return lent.fd.get();
}

Result<void> ListenGroup::join(unsigned generation, Fd duplicate) {
  MIDAIR_TRY_ASSIGN(const TcpSocket socket, tcp_socket(duplicate.get()));
  for (const Member& member : members_) {
    const auto known = tcp_socket(member.fd.get());
    if (known && known->inode == socket.inode) {
      if (::listen(duplicate.get(), SOMAXCONN) != 0) return cannot_listen();
      return {};
    }
  }
  if (::listen(duplicate.get(), SOMAXCONN) != 0) return cannot_listen();
  members_.push_back({std::move(duplicate)});
  belong(members_.back(), generation);
  if (generation == served_) MIDAIR_TRY(steer_anew());
  return remove_surplus();
}

void ListenGroup::defer_no_accept(unsigned generation) {
  for (const int socket : sockets_of(generation)) set_option(socket, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
}

void ListenGroup::belong(Member& member, unsigned generation) {
  member.generation = generation;
  member.watch.reset();  // a descriptor has one watch at most
  member.watch = generation != kOurs && watch_ ? watch_(member.fd.get()) : EventLoop::Watch();
}

void ListenGroup::inherit(unsigned generation, unsigned successor) {
  for (Member& member : members_)
    if (member.generation == generation) member.generation = successor;
  if (served_ == generation) served_ = successor;
  if (private_way_ && private_way_->generation == generation) private_way_->generation = successor;
}

Result<void> ListenGroup::pass_on(int member, unsigned generation) {
  const auto place = place_of(member);
  if (!place) return {};
  if (has_to_stay(*place)) MIDAIR_TRY(add_ours(false));
  belong(members_[*place], generation);
  return steer_anew();
}

bool ListenGroup::has(unsigned generation) const {
  return std::any_of(members_.begin(), members_.end(),
                     [generation](const Member& member) { return member.generation == generation; });
}

bool ListenGroup::is_only_ours() const {
  return std::all_of(members_.begin(), members_.end(), [](const Member& member) { return member.generation == kOurs; });
}

std::vector<int> ListenGroup::sockets_of(unsigned generation) const {
  std::vector<int> sockets;
  for (const Member& member : members_)
    if (member.generation == generation) sockets.push_back(member.fd.get());
  return sockets;
}

std::optional<std::size_t> ListenGroup::place_of(int member) const {
  for (std::size_t place = 0; place < members_.size(); ++place)
    if (members_[place].fd.get() == member) return place;
  return std::nullopt;
}

/// Of ours, the one in which most clients wait.
std::size_t ListenGroup::waiting_place() const {
  std::size_t best = members_.size();
  unsigned most = 0;
  for (std::size_t place = 0; place < members_.size(); ++place) {
    if (members_[place].generation != kOurs) continue;
    const unsigned waiting = waiting_clients(members_[place].fd.get()).value_or(0);
    if (best == members_.size() || waiting > most) best = place;
    most = std::max(most, waiting);
  }
  return best;
}

std::vector<unsigned> ListenGroup::places() const {
  std::vector<unsigned> places;
  for (std::size_t place = 0; place < members_.size(); ++place)
    if (served_ != kOurs && members_[place].generation == served_) places.push_back(static_cast<unsigned>(place));
  if (places.empty()) places.push_back(static_cast<unsigned>(waiting_place()));
  return places;
}

bool ListenGroup::last_is_served() const {
  const auto served = places();
  return std::find(served.begin(), served.end(), members_.size() - 1) != served.end();
}

Result<void> ListenGroup::steer_anew() {
  Steering steering{places()};
  if (private_way_)
    for (std::size_t place = 0; place < members_.size() && !steering.detour; ++place)
      if (members_[place].generation == private_way_->generation)
        steering.detour = Detour{private_way_->from, static_cast<unsigned>(place)};
  return steer(plain_member(), steering);
}

/// Through an MPTCP socket no group is steered. What an app has left to us may be one, so one of our own making stays.
bool ListenGroup::is_plain(const Member& member) {
  return option(member.fd.get(), SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;
}

int ListenGroup::plain_member() const {
  const auto plain = std::find_if(members_.begin(), members_.end(), is_plain);
  return (plain == members_.end() ? members_.front() : *plain).fd.get();
}

bool ListenGroup::has_to_stay(std::size_t place) const {
  const auto keeps = [](const Member& member) { return member.generation == kOurs && is_plain(member); };
  return keeps(members_[place]) && std::count_if(members_.begin(), members_.end(), keeps) == 1;
}

Result<void> ListenGroup::serve(unsigned generation) {
  served_ = generation;
  private_way_.reset();
  return steer_anew();
}

Result<void> ListenGroup::detour(const SocketAddress& from, unsigned generation) {
  private_way_ = PrivateWay{from, generation};
  return steer_anew();
}

}  // namespace midair::sidecar
