#include "sockets/app_sockets.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "midair/log.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

/// Where our own probes come from: an address of loopback that nobody else is likely to use.
constexpr const char* kPrivateAddress4 = "127.0.0.77";
constexpr const char* kPrivateAddress6 = "::1";

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

bool is_on(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, name, &value, &size) == 0 && value != 0;
}

/// The first port that the kernel gives to who asks for none; 32768 unless configured otherwise (ip-sysctl).
std::uint16_t first_ephemeral_port() {
  std::uint16_t first = 32768;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first;
  return first;
}

/// Lets the kernel move who waits in the queue of a socket that leaves its group (tcp_migrate_req, ip-sysctl, Linux
/// 5.14), for the whole network namespace. False where it can't or we may not.
bool let_kernel_move_clients() {
  const char* const setting = "/proc/sys/net/ipv4/tcp_migrate_req";
  int value = 0;
  if (std::ifstream(setting) >> value && value != 0) return true;
  return static_cast<bool>(std::ofstream(setting) << "1\n" << std::flush);
}

/// Where a client of this machine reaches what is bound to `bound`.
SocketAddress reachable(const SocketAddress& bound, bool ip4) {
  if (!bound.host().isWildcard()) return bound;
  return {ip4 ? "127.0.0.1" : "::1", bound.port()};
}

Result<Fd> connect_from(const SocketAddress& from, const SocketAddress& to,
                        const std::function<Result<void>(const SocketAddress& bound)>& before) {
  Fd fd(::socket(from.af(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const bound = reinterpret_cast<sockaddr*>(&storage);
  if (!fd || ::bind(fd.get(), from.addr(), from.length()) != 0 || ::getsockname(fd.get(), bound, &size) != 0)
    return system_error(errno, "connect from", from.toString());
  MIDAIR_TRY(before(SocketAddress(bound, size)));
  if (::connect(fd.get(), to.addr(), to.length()) != 0 && errno != EINPROGRESS)
    return system_error(errno, "connect to", to.toString());
  return fd;
}

}  // namespace

AppSockets::AppSockets(EventLoop& loop, Settings settings, IsHeld is_held, bool kernel_moves,
                       std::uint16_t first_ephemeral)
    : loop_(loop),
      settings_(std::move(settings)),
      is_held_(std::move(is_held)),
      kernel_moves_(kernel_moves),
      first_ephemeral_(first_ephemeral) {}

Result<std::unique_ptr<AppSockets>> AppSockets::open(EventLoop& loop, Settings settings, IsHeld is_held) {
  const bool moves = settings.mode != SocketMode::off && let_kernel_move_clients();
  std::unique_ptr<AppSockets> sockets(
      new AppSockets(loop, std::move(settings), std::move(is_held), moves, first_ephemeral_port()));
  MIDAIR_TRY(sockets->open_groups());
  return sockets;
}

Result<void> AppSockets::open_groups() {
  for (const ListenSpec& spec : settings_.listen) {
    MIDAIR_TRY_ASSIGN(const SocketAddress address, resolve(spec));
    MIDAIR_TRY_ASSIGN(ListenGroup sockets, ListenGroup::open(address, false, ::geteuid(), false));
    add_group(spec.name, std::move(sockets));
  }
  return {};
}

AppSockets::Group& AppSockets::add_group(std::string name, ListenGroup opened) {
  groups_.push_back(std::make_unique<Group>(Group{std::move(name), std::move(opened)}));
  Group& group = *groups_.back();
  // Only shutdown(2) can end its listening.
  group.sockets.watch_with([this, &group](int fd) {
    return loop_.watch(fd, 0, [this, &group, fd](std::uint32_t) { check(group.sockets.revive(fd)); });
  });
  return group;
}

Result<std::vector<std::pair<std::string, int>>> AppSockets::lend(unsigned generation, bool shared) {
  std::vector<std::pair<std::string, int>> lent;
  if (settings_.mode != SocketMode::pass) return lent;
  for (const auto& group : groups_) {
    const auto served = group->sockets.sockets_of(served_);
    if (shared && served_ != ListenGroup::kOurs && !served.empty()) {
      sharing_.insert(generation);
      lent.emplace_back(group->name, served.front());
    } else {
      MIDAIR_TRY_ASSIGN(const int fd, group->sockets.lend(generation));
      lent.emplace_back(group->name, fd);
    }
  }
  return lent;
}

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

void AppSockets::answer_call(unsigned generation) {
  const auto call = SocketCall::receive(callers_.at(generation).listener.get());
  if (!call) return;
  std::optional<int> answer;
  if (!call->in_other_network())
    answer = call->kind() == SocketCall::Kind::bind ? bind(generation, *call) : listen(generation, *call);
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

std::optional<int> AppSockets::bind(unsigned generation, const SocketCall& call) {
  const auto address = call.address();
  if (!address || !is_managed(address->port())) return std::nullopt;
  const auto taken = call.take_socket();
  if (!taken) {
    note_problem(taken.error());
    return std::nullopt;
  }
  const int socket = taken->get();
  const auto facts = tcp_socket(socket);
  if (!facts) return std::nullopt;
  if (facts->address == *address) return 0;  // a signal made the call arrive twice
  const bool shares = is_on(socket, SOL_SOCKET, SO_REUSEPORT);
  const bool v6_only = is_v6_only(*address, is_on(socket, IPPROTO_IPV6, IPV6_V6ONLY));
  if (in_use(generation, *address, v6_only, shares)) return EADDRINUSE;
  const Group* const group = group_at(*address, v6_only);
  if (group != nullptr) {
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    const uid_t owner = group->sockets.owner();
    if (facts->owner != owner && ::fchown(socket, owner, static_cast<gid_t>(-1)) != 0)
      log(LogLevel::warning, "sockets.other_user", {{"address", address->toString()}});
  }
  if (::bind(socket, address->addr(), address->length()) != 0) return errno;
  set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  return 0;
}

bool AppSockets::in_use(unsigned generation, const SocketAddress& address, bool v6_only, bool shares) {
  drop_abandoned(generation);
  for (const auto& group : groups_) {
    const ListenGroup& sockets = group->sockets;
    if (!sockets.overlaps(address, v6_only)) continue;
    if (sockets.has(generation) && !shares) return true;
    const bool same = sockets.address() == address && sockets.v6_only() == v6_only;
    if (same || !group->was_served) continue;
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
  const bool ours_to_do = facts && is_managed(facts->address.port()) && is_on(taken->get(), SOL_SOCKET, SO_REUSEPORT);
  if (!ours_to_do) return std::nullopt;
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
  }
  if (first)
    log(LogLevel::info, "sockets.adopted",
        {{"generation", std::to_string(generation)}, {"address", facts->address.toString()}});
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

/// An app that tries whether a port is free has closed its first socket by the time it binds the next.
void AppSockets::drop_abandoned(unsigned generation) {
  for (const auto& group : groups_)
    for (const int fd : group->sockets.sockets_of(generation)) {
      const auto facts = tcp_socket(fd);
      if (facts && !is_held_(generation, facts->inode)) check(group->sockets.drop(fd));
    }
}

void AppSockets::serve_with(unsigned generation) {
  if (settings_.mode == SocketMode::adopt) drop_abandoned(generation);
  const unsigned before = std::exchange(served_, generation);
  for (const auto& group : groups_) {
    if (sharing_.contains(generation) && before != ListenGroup::kOurs) group->sockets.inherit(before, generation);
    check(group->sockets.serve(generation));
    if (group->sockets.has(generation)) group->was_served = true;
    settle(*group);
  }
  sharing_.erase(generation);
}

void AppSockets::ended(unsigned generation) {
  callers_.erase(generation);
  sharing_.erase(generation);
  for (const auto& group : groups_) {
    check(group->sockets.leave(generation));
    settle(*group);
  }
  if (served_ == generation) served_ = ListenGroup::kOurs;
  forget_unused_groups();
}

void AppSockets::retire(unsigned generation) {
  if (generation == served_ || !kernel_moves_) return;
  for (const auto& group : groups_) {
    check(group->sockets.leave(generation));
    settle(*group);
  }
}

/// An address on which only earlier generations have listened. While nobody listens anywhere, clients may wait.
void AppSockets::forget_unused_groups() {
  if (settings_.mode != SocketMode::adopt || !listens(served_)) return;
  std::erase_if(groups_, [](const auto& group) { return group->sockets.is_only_ours(); });
}

void AppSockets::settle(Group& group) {
  const auto waited = group.sockets.move_waiting(kernel_moves_);
  if (!waited) return check(waited.error());
  if (*waited == 0) return;
  log(kernel_moves_ ? LogLevel::info : LogLevel::warning, kernel_moves_ ? "sockets.moved" : "sockets.reset",
      {{"clients", std::to_string(*waited)}, {"address", group.sockets.address().toString()}});
}

void AppSockets::check(const Result<void>& done) {
  if (!done) note_problem(done.error());
}

void AppSockets::note_problem(const Error& error) {
  if (!problem_.empty()) return;
  problem_ = error.message();
  log(LogLevel::error, "sockets.not_adopted",
      {{"meaning", "the app serves as without a sidecar; nothing is installed"}, {"error", error.to_string()}});
}

bool AppSockets::has(const Group& group, unsigned generation) const {
  return group.sockets.has(generation) || sharing_.contains(generation);
}

bool AppSockets::listens(unsigned generation) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const auto& group) { return has(*group, generation); });
}

std::vector<std::pair<ino_t, SocketAddress>> AppSockets::sockets_of(unsigned generation) const {
  std::vector<std::pair<ino_t, SocketAddress>> sockets;
  for (const auto& group : groups_)
    for (const int fd : group->sockets.sockets_of(generation))
      if (const auto facts = tcp_socket(fd)) sockets.emplace_back(facts->inode, facts->address);
  return sockets;
}

bool AppSockets::has_answered_all(unsigned generation) const {
  for (const auto& group : groups_)
    for (const int fd : group->sockets.sockets_of(generation))
      if (waiting_clients(fd).value_or(0) != 0) return false;
  return true;
}

std::string AppSockets::missing(unsigned generation) const {
  for (const auto& group : groups_)
    if (group->was_served && !has(*group, generation)) return group->sockets.address().toString();
  return {};
}

std::string AppSockets::conflict(unsigned generation) const {
  const auto found = callers_.find(generation);
  return found == callers_.end() ? "" : found->second.conflict;
}

AppSockets::Group* AppSockets::first_group_of(unsigned generation) const {
  const auto rank = [this](const Group& group) {
    return std::find(settings_.ports.begin(), settings_.ports.end(), group.sockets.address().port());
  };
  Group* first = nullptr;
  for (const auto& group : groups_)
    if (has(*group, generation) && (first == nullptr || rank(*group) < rank(*first))) first = group.get();
  return first;
}

Result<Fd> AppSockets::connect_to(unsigned generation) {
  Group* const group = first_group_of(generation);
  if (group == nullptr) return Error{Errc::not_found, "connect to", "the app", "it listens nowhere"};
  ListenGroup& sockets = group->sockets;
  const bool ip4 = sockets.overlaps(SocketAddress("0.0.0.0", sockets.address().port()), false);
  const SocketAddress from(ip4 ? kPrivateAddress4 : kPrivateAddress6, 0);
  return connect_from(from, reachable(sockets.address(), ip4), [&](const SocketAddress& bound) {
    return sharing_.contains(generation) ? Result<void>() : sockets.detour(bound, generation);
  });
}

std::string AppSockets::address_of(unsigned generation) const {
  const Group* const group = first_group_of(generation);
  return group == nullptr ? "" : group->sockets.address().toString();
}

}  // namespace midair::sidecar
