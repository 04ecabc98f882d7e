#include "sockets/app_sockets.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "midair/log.h"
#include "sockets/kernel_settings.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

/// Where our own probes come from: an address of loopback that nobody else is likely to use.
constexpr const char* kPrivateAddress4 = "127.0.0.77";
constexpr const char* kPrivateAddress6 = "::1";

/// Where a client of this machine reaches what is bound to `bound`.
SocketAddress reachable(const SocketAddress& socket, bool ip4) {
  const SocketAddress bound = unmapped(socket);
  if (!bound.host().isWildcard()) return bound;
  return {ip4 ? "127.0.0.1" : "::1", bound.port()};
}

/// Where a probe of what is bound to `bound` comes from: an address of loopback, but that one itself where only its
/// network interface leads to it (RFC 4291, 2.5.6).
SocketAddress private_end(const SocketAddress& bound, bool ip4) {
  if (bound.af() == AF_INET6 && bound.host().isLinkLocal()) return {bound.host(), 0};
  return {ip4 ? kPrivateAddress4 : kPrivateAddress6, 0};
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
      first_ephemeral_(first_ephemeral),
      unix_(settings_.unix_paths) {}

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

void AppSockets::serve_with(unsigned generation) {
  const unsigned before = std::exchange(served_, generation);
  if (settings_.mode == SocketMode::adopt) drop_abandoned(generation);
  for (const auto& group : groups_) {
    if (sharing_.contains(generation) && before != ListenGroup::kOurs) group->sockets.inherit(before, generation);
    if (settings_.mode == SocketMode::adopt) give_what_was_passed_on(*group, before, generation);
    check(group->sockets.serve(generation));
    if (group->sockets.has(generation)) group->was_served = true;
    settle(*group);
  }
  check(unix_.serve_with(generation));
  sharing_.erase(generation);
  begin_to_look();
}

void AppSockets::ended(unsigned generation) {
  callers_.erase(generation);
  sharing_.erase(generation);
  leaving_.erase(generation);
  for (const auto& group : groups_) {
    check(group->sockets.leave(generation));
    settle(*group);
  }
  unix_.ended(generation);
  if (served_ == generation) served_ = ListenGroup::kOurs;
  forget_unused_groups();
}

void AppSockets::told_to_end(unsigned generation) {
  leaving_.insert(generation);
  look_after_leaving();
}

/// Where the kernel moves clients of one member it may choose any other (by hash: reuseport_migrate_sock() in
/// net/core/sock_reuseport.c), one that accepts no more, too.
void AppSockets::look_after_leaving() {
  constexpr std::chrono::milliseconds kToAccept{50};
  if (leaving_.empty() || leaving_look_) return;
  leaving_look_ = loop_.after(kToAccept, [this] {
    leaving_look_.reset();
    for (const unsigned generation : std::set(leaving_))
      if (some_wait_for(generation)) retire(generation);
  });
}

void AppSockets::retire(unsigned generation) {
  if (generation == served_ || !kernel_moves_) return;
  for (const auto& group : groups_)
    if (group->sockets.has(generation)) tell_of_moved(*group, group->sockets.retire(generation));
}

/// An address on which only earlier generations have listened. While nobody listens anywhere, clients may wait.
void AppSockets::forget_unused_groups() {
  if (settings_.mode != SocketMode::adopt || served_ == ListenGroup::kOurs || !listens(served_)) return;
  std::erase_if(groups_, [](const auto& group) { return group->sockets.is_only_ours(); });
}

void AppSockets::settle(Group& group) { tell_of_moved(group, group.sockets.move_waiting(kernel_moves_)); }

void AppSockets::tell_of_moved(const Group& group, const Result<unsigned>& waited) {
  look_after_leaving();
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
  return unix_.listens(generation) ||
         std::any_of(groups_.begin(), groups_.end(), [&](const auto& group) { return has(*group, generation); });
}

std::vector<std::pair<ino_t, SocketAddress>> AppSockets::sockets_of(unsigned generation) const {
  std::vector<std::pair<ino_t, SocketAddress>> sockets;
  for (const auto& group : groups_)
    for (const int fd : group->sockets.sockets_of(generation))
      if (const auto facts = tcp_socket(fd)) sockets.emplace_back(facts->inode, facts->address);
  return sockets;
}

std::vector<std::uint16_t> AppSockets::ports_of(unsigned generation) const {
  std::set<std::uint16_t> ports;
  for (const auto& [inode, address] : sockets_of(generation)) ports.insert(address.port());
  return {ports.begin(), ports.end()};
}

bool AppSockets::some_wait_for(unsigned generation) const {
  for (const auto& group : groups_)
    for (const int fd : group->sockets.sockets_of(generation))
      if (waiting_clients(fd).value_or(0) != 0) return true;
  return false;
}

bool AppSockets::has_answered_all(unsigned generation) const {
  return !some_wait_for(generation) && unix_.has_answered_all(generation);
}

std::string AppSockets::missing(unsigned generation) {
  for (const auto& group : groups_) {
    if (!group->was_served || has(*group, generation)) continue;
    if (settings_.mode == SocketMode::adopt && served_ != generation) drop_abandoned(*group, served_);
    if (group->was_served) return group->sockets.address().toString();
  }
  return unix_.missing(generation);
}

std::string AppSockets::conflict(unsigned generation) const {
  const auto found = callers_.find(generation);
  return found == callers_.end() || found->second.conflict.empty() ? unix_.conflict(generation)
                                                                   : found->second.conflict;
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
  if (group == nullptr) return unix_.connect_to(generation);
  ListenGroup& sockets = group->sockets;
  const bool ip4 = sockets.overlaps(SocketAddress("0.0.0.0", sockets.address().port()), false);
  const SocketAddress from = private_end(sockets.address(), ip4);
  sockets.defer_no_accept(generation);  // it may have set that after listen()
  return connect_from(from, reachable(sockets.address(), ip4), [&](const SocketAddress& bound) {
    return sharing_.contains(generation) ? Result<void>() : sockets.detour(bound, generation);
  });
}

std::string AppSockets::address_of(unsigned generation) const {
  const Group* const group = first_group_of(generation);
  return group == nullptr ? unix_.address_of(generation) : group->sockets.address().toString();
}

}  // namespace midair::sidecar
