#include "sockets/app_sockets.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "loop/process_table.h"
#include "loop/process_tree.h"
#include "midair/log.h"
#include "sockets/socket_options.h"

// What bind() and listen() of an app come to: the part of AppSockets that is of SocketMode::adopt.

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

bool is_on(int fd, int level, int name) { return option(fd, level, name) > 0; }

/// Sockets of one interface are a group of their own, without ours, in which the kernel would lead clients to anybody.
Error bound_to_interface(const SocketAddress& address) {
  return {Errc::denied, "adopt", "the socket at " + address.toString(), "it is bound to a network interface",
          "bind it to an address only"};
}

/// It serves all generations, and outlives them: none has its sockets.
bool is_of_port_mapper(const SocketCall& call) {
  const auto caller = process_stat(call.caller());
  return caller && is_port_mapper(caller->name());
}

}  // namespace

void AppSockets::hear(unsigned generation, Fd listener) {
  Caller& caller = callers_[generation];
  if (!listener)
    return note_problem({Errc::unavailable, "adopt", "the app's sockets", "the kernel refused the filter"});
  caller.listener = std::move(listener);
  caller.watch = loop_.watch(caller.listener.get(), EPOLLIN, [this, generation](std::uint32_t events) {
    if ((events & EPOLLIN) != 0) return answer_call(generation);
    callers_.at(generation).watch.reset();  // nobody is left who could call
  });
}

void AppSockets::when_listening(unsigned generation, std::function<void()> listening) {
  if (const auto caller = callers_.find(generation); caller != callers_.end())
    caller->second.listening = std::move(listening);
}

void AppSockets::answer_call(unsigned generation) {
  const auto call = SocketCall::receive(callers_.at(generation).listener.get());
  if (!call) return;
  const auto kind = call->kind();
  std::optional<int> answer;
  if (kind != SocketCall::Kind::bind && kind != SocketCall::Kind::listen)
    answer = unix_.use(generation, *call);
  else if (!call->in_other_network() && !is_of_port_mapper(*call))
    answer = kind == SocketCall::Kind::bind ? bind(generation, *call) : listen(generation, *call);
  if (answer)
    call->done(*answer);
  else
    call->let_kernel_do_it();
}

bool AppSockets::is_managed(std::uint16_t port) const {
  const auto& ports = settings_.ports;
  if (ports.empty()) return port != 0 && port < first_ephemeral_;
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

/// What the caller has wrong, the kernel tells it; what we may not do, its upgrades will need.
std::optional<int> AppSockets::leave_alone(const Error& error) {
  if (error.code == Errc::denied) note_problem(error);
  return std::nullopt;
}

std::optional<int> AppSockets::bind(unsigned generation, const SocketCall& call) {
  const auto address = call.address();
  if (!address && address.error().code == Errc::bad_input) return unix_.bind(generation, call);
  if (!address) return leave_alone(address.error());
  if (!is_managed(address->port())) return std::nullopt;
  const auto taken = call.take_socket();
  if (!taken) return leave_alone(taken.error());
  const int socket = taken->get();
  const auto facts = tcp_socket(socket);
  if (!facts) return std::nullopt;
  if (facts->address == *address) return 0;  // a signal made the call arrive twice
  if (is_on(socket, SOL_SOCKET, SO_BINDTOIFINDEX)) return leave_alone(bound_to_interface(*address));
  const bool shares = is_on(socket, SOL_SOCKET, SO_REUSEPORT);
  const bool v6_only = is_v6_only(*address, is_on(socket, IPPROTO_IPV6, IPV6_V6ONLY));
  if (in_use(generation, {*address, v6_only, facts->inode, facts->owner}, shares)) return EADDRINUSE;
  const Group* const group = group_at(*address, v6_only);
  if (group != nullptr) {
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    const uid_t owner = group->sockets.owner();
    if (facts->owner != owner && ::fchown(socket, owner, static_cast<gid_t>(-1)) != 0)
      log(LogLevel::warning, "sockets.other_user", {{"address", address->toString()}});
  }
  if (::bind(socket, address->addr(), address->length()) != 0) return errno;
  set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!shares) remember_alone(generation, facts->inode);
  return 0;
}

/// Two sockets may be bound to one address before either listens (SO_REUSEADDR), and all have SO_REUSEPORT by then.
void AppSockets::remember_alone(unsigned generation, ino_t socket) {
  constexpr std::size_t kMany = 16;
  auto& alone = callers_.at(generation).alone;
  if (alone.size() >= kMany) std::erase_if(alone, [&](ino_t bound) { return !is_held_(generation, bound); });
  alone.insert(socket);
}

bool AppSockets::is_taken(unsigned generation, const TcpSocket& socket, bool shares) const {
  const auto& alone = callers_.at(generation).alone;
  for (const auto& group : groups_) {
    if (!group->sockets.overlaps(socket.address, socket.v6_only)) continue;
    for (const int fd : group->sockets.sockets_of(generation)) {
      const auto other = tcp_socket(fd);
      if (other && other->inode != socket.inode && (!shares || alone.contains(other->inode))) return true;
    }
  }
  return false;
}

/// Nobody will come to clients that wait at another address than what takes over listens on.
void AppSockets::forget_waiting_beside(const SocketAddress& address, bool v6_only) {
  std::erase_if(groups_, [&](const auto& group) {
    const ListenGroup& sockets = group->sockets;
    const bool is_same = sockets.address() == address && sockets.v6_only() == v6_only;
    return sockets.overlaps(address, v6_only) && !is_same && sockets.is_only_ours();
  });
}

bool AppSockets::in_use(unsigned generation, const TcpSocket& socket, bool shares) {
  drop_abandoned(generation);
  if (is_taken(generation, socket, shares)) return true;
  const SocketAddress& address = socket.address;
  const bool v6_only = socket.v6_only;
  const auto is_same = [&](const ListenGroup& sockets) {
    return sockets.address() == address && sockets.v6_only() == v6_only;
  };
  forget_waiting_beside(address, v6_only);
  // An app may listen at several addresses that overlap, and its successor at the same ones.
  const Group* const own = group_at(address, v6_only);
  const bool is_led = generation == served_ || (own != nullptr && own->was_served);
  for (const auto& group : groups_) {
    const ListenGroup& sockets = group->sockets;
    if (!sockets.overlaps(address, v6_only)) continue;
    if (is_led || is_same(sockets) || !group->was_served) continue;
    callers_.at(generation).conflict = "it wants to listen on " + address.toString() +
                                       ", and the code that serves on " + sockets.address().toString() +
                                       ": clients can be led from one to the other only at the same address";
    return true;
  }
  return false;
}

std::optional<int> AppSockets::listen(unsigned generation, const SocketCall& call) {
  auto taken = call.take_socket();
  if (!taken) return std::nullopt;  // then nor could it be bound by us
  const auto facts = tcp_socket(taken->get());
  if (!facts) return unix_.listen(generation, call, taken->get());
  const bool ours_to_do = is_managed(facts->address.port()) && is_on(taken->get(), SOL_SOCKET, SO_REUSEPORT);
  if (!ours_to_do) return std::nullopt;
  const bool shares = !callers_.at(generation).alone.contains(facts->inode);
  if (is_taken(generation, *facts, shares)) drop_abandoned(generation);
  if (is_taken(generation, *facts, shares)) return EADDRINUSE;
  forget_waiting_beside(facts->address, facts->v6_only);
  const auto group = group_for(*facts);
  if (!group) {
    note_problem(group.error());
    return std::nullopt;
  }
  const bool first = !group.value()->sockets.has(generation);
  if (auto joined = group.value()->sockets.join(generation, std::move(taken).value()); !joined)
    return joined.error().sys != 0 ? joined.error().sys : EIO;
  if (generation == served_) {
    group.value()->was_served = true;
    settle(*group.value());
    begin_to_look();
  }
  if (first)
    log(LogLevel::info, "sockets.adopted",
        {{"generation", std::to_string(generation)}, {"address", facts->address.toString()}});
  if (const auto& listening = callers_.at(generation).listening) listening();
  return 0;
}

Result<AppSockets::Group*> AppSockets::group_for(const TcpSocket& socket) {
  if (Group* known = group_at(socket.address, socket.v6_only)) return known;
  MIDAIR_TRY_ASSIGN(ListenGroup sockets, ListenGroup::open(socket.address, socket.v6_only, socket.owner, true));
  Group& group = add_group("", std::move(sockets));
  MIDAIR_TRY(group.sockets.serve(served_));
  return &group;
}

AppSockets::Group* AppSockets::group_at(const SocketAddress& address, bool v6_only) {
  for (const auto& group : groups_)
    if (group->sockets.address() == address && group->sockets.v6_only() == v6_only) return group.get();
  return nullptr;
}

/// A successor may have got the very socket of the one before it, as a stored descriptor (FDSTORE=1): it binds nothing.
void AppSockets::give_what_was_passed_on(Group& group, unsigned before, unsigned generation) {
  if (group.sockets.has(generation)) return;
  for (const int fd : group.sockets.sockets_of(before)) {
    const auto facts = tcp_socket(fd);
    if (facts && is_held_(generation, facts->inode)) check(group.sockets.pass_on(fd, generation));
  }
}

/// An app that tries whether a port is free has closed its first socket by the time it binds the next.
void AppSockets::drop_abandoned(unsigned generation) {
  for (const auto& group : groups_) drop_abandoned(*group, generation);
}

void AppSockets::drop_abandoned(Group& group, unsigned generation) {
  if (generation == ListenGroup::kOurs || !group.sockets.has(generation)) return;
  for (const int fd : group.sockets.sockets_of(generation)) {
    const auto facts = tcp_socket(fd);
    if (facts && !is_held_(generation, facts->inode)) check(group.sockets.drop(fd));
  }
  // Who serves doesn't want clients there any more, so nor need its successor.
  if (generation == served_ && !group.sockets.has(generation)) group.was_served = false;
}

/// Of several sockets one may be closed, as when a worker ends that had its own (SO_REUSEPORT). We hold it, so clients
/// would go on to be led there, and wait for nobody.
void AppSockets::begin_to_look() {
  constexpr std::chrono::milliseconds kLookEvery{1000};
  const bool several = std::any_of(groups_.begin(), groups_.end(), [this](const auto& group) {
    return served_ != ListenGroup::kOurs && group->sockets.sockets_of(served_).size() > 1;
  });
  if (settings_.mode != SocketMode::adopt || !several || next_look_) return;
  next_look_ = loop_.after(kLookEvery, [this] { look_at_queues(); });
}

void AppSockets::look_at_queues() {
  next_look_.reset();
  for (const auto& group : groups_) {
    const auto sockets = group->sockets.sockets_of(served_);
    const bool some_wait =
        std::any_of(sockets.begin(), sockets.end(), [](int fd) { return waiting_clients(fd).value_or(0) != 0; });
    if (sockets.size() < 2 || !some_wait) continue;  // what nobody waits for need not be looked for in /proc
    drop_abandoned(*group, served_);
    settle(*group);
  }
  begin_to_look();
}

}  // namespace midair::sidecar
