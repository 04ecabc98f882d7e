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

Error cannot_listen(const SocketAddress& address) {
  Error error = system_error(errno, "listen on", address.toString());
  if (error.sys == EADDRINUSE)
    error.hint = "stop what else listens there ([::] takes IPv4 too), or choose another port";
  return error;
}

Result<SocketAddress> bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &size) != 0) return system_error(errno, "ask for the address of", "a socket");
  return SocketAddress(address, size);
}

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

SocketAddress unmapped(const SocketAddress& address) {
  if (address.af() != AF_INET6 || !address.host().isIPv4Mapped()) return address;
  const auto& ip6 = reinterpret_cast<const sockaddr_in6*>(address.addr())->sin6_addr;
  constexpr std::size_t kIp4At = 12;
  return {Poco::Net::IPAddress(&ip6.s6_addr[kIp4At], sizeof(in_addr)), address.port()};
}

bool is_v6_only(const SocketAddress& address, bool option) {
  return address.af() == AF_INET6 && (option || !(address.host().isWildcard() || address.host().isIPv4Mapped()));
}

Result<TcpSocket> tcp_socket(int fd) {
  const int family = option(fd, SOL_SOCKET, SO_DOMAIN);
  const int protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
  struct stat status {};
  if ((family != AF_INET && family != AF_INET6) || (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
      ::fstat(fd, &status) != 0)
    return Error{Errc::bad_input, "adopt", "a socket", "it is not of TCP"};
  MIDAIR_TRY_ASSIGN(const SocketAddress address, bound_address(fd));
  return TcpSocket{address, is_v6_only(address, option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1), status.st_ino,
                   status.st_uid};
}

std::optional<unsigned> waiting_clients(int listener) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_state != TCP_LISTEN)
    return std::nullopt;
  return info.tcpi_unacked;
}

Result<ListenGroup> ListenGroup::open(const SocketAddress& address, bool v6_only, uid_t owner, bool app_bound) {
  ListenGroup group(address, is_v6_only(address, v6_only), owner);
  MIDAIR_TRY(group.add_ours(!app_bound));
  MIDAIR_TRY_ASSIGN(group.address_, bound_address(group.members_.front().fd.get()));
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
  if (!fd) return cannot_listen(address_);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!alone) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address_.af() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only_ ? 1 : 0);
  if (owner_ != ::geteuid() && ::fchown(fd.get(), owner_, static_cast<gid_t>(-1)) != 0) return cannot_listen(address_);
  if (::bind(fd.get(), address_.addr(), address_.length()) != 0) return cannot_listen(address_);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(fd.get(), SOMAXCONN) != 0) return cannot_listen(address_);
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
      if (::listen(duplicate.get(), SOMAXCONN) != 0) return cannot_listen(address_);
      return {};
    }
  }
  if (::listen(duplicate.get(), SOMAXCONN) != 0) return cannot_listen(address_);
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

Result<void> ListenGroup::drop(int member) {
  const auto place = place_of(member);
  if (!place) return {};
  members_[*place].generation = kLeaving;
  if (!has(kOurs)) MIDAIR_TRY(add_ours(false));
  MIDAIR_TRY(steer_anew());
  return take_out(*place);
}

Result<void> ListenGroup::keep_the_last_in_place(std::size_t leaving) {
  const bool last_leaves = leaving + 1 == members_.size();
  return !last_leaves && last_is_served() ? add_ours(false) : Result<void>();
}

void ListenGroup::fill_place(std::size_t place) {
  if (place + 1 != members_.size()) std::swap(members_[place], members_.back());
}

Result<void> ListenGroup::take_out(std::size_t place) {
  MIDAIR_TRY(keep_the_last_in_place(place));
  ::shutdown(members_[place].fd.get(), SHUT_RD);  // leaves the group, whoever else holds it
  fill_place(place);
  members_.pop_back();
  return private_way_ ? steer_anew() : Result<void>();
}

Result<void> ListenGroup::revive(int member) {
  const auto place = place_of(member);
  if (!place) return {};
  fill_place(*place);
  Member revived = std::move(members_.back());
  members_.pop_back();
  MIDAIR_TRY(steer_anew());  // it may have been the only one that is served, or the last that moved
  if (::listen(revived.fd.get(), SOMAXCONN) != 0) return cannot_listen(address_);
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
    return cannot_listen(address_);
  return steer_anew();
}

}  // namespace midair::sidecar
