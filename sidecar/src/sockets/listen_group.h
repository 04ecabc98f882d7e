/// @file
/// The listening sockets of all generations at one address.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "sockets/steering.h"
#include "sockets/tcp_socket.h"

namespace midair::sidecar {

/// One reuseport group: a socket for each generation (or several), and at least one of our own, which keeps the group
/// while no generation listens, and is no MPTCP socket. One generation is served: new connections go to its sockets, to
/// nobody else's; where none is, or it doesn't listen yet, they wait in the queue of one of ours.
///
/// The order of the members is the kernel's, and only this class changes it: it holds a duplicate of each, so that
/// neither close() nor the death of an app removes one. (shutdown() does, see revive().) The kernel moves the last
/// member into the place of one that leaves; so that what is served never moves, a socket of ours is put behind it
/// first. Not thread-safe.
class ListenGroup {
 public:
  /// Of members that are ours.
  static constexpr unsigned kOurs = 0;

  /// Binds and listens. Nobody else may listen there, except that `app_bound` says that the app's own socket, which
  /// allows it (SO_REUSEPORT), has bound the address already. All sockets will belong to `owner`, since the kernel
  /// wants one user for a group; that takes privileges where it is somebody else.
  [[nodiscard]] static Result<ListenGroup> open(const Poco::Net::SocketAddress& address, bool v6_only, uid_t owner,
                                                bool app_bound);
  /// From now on each socket of a generation is watched by what `watch` makes, and no longer than it is a member.
  void watch_with(std::function<EventLoop::Watch(int socket)> watch) { watch_ = std::move(watch); }
  ListenGroup(ListenGroup&&) noexcept = default;
  ListenGroup& operator=(ListenGroup&&) noexcept = default;

  /// Also if it was opened with port 0.
  [[nodiscard]] const Poco::Net::SocketAddress& address() const { return address_; }
  [[nodiscard]] bool v6_only() const { return v6_only_; }
  [[nodiscard]] uid_t owner() const { return owner_; }
  /// True if the two can't be bound by two programs: the same port, and addresses that have one in common.
  [[nodiscard]] bool overlaps(const Poco::Net::SocketAddress& address, bool v6_only) const;

  /// A socket that listens, for the generation to accept on. While nobody is served, the one in whose queue clients
  /// wait. Stays ours.
  [[nodiscard]] Result<int> lend(unsigned generation);
  /// Makes a generation's bound socket a member, and listens on it. If it is one, its queue is made long again.
  [[nodiscard]] Result<void> join(unsigned generation, Fd duplicate);
  /// The successor accepts on the sockets of `generation`, which are its own from now on.
  void inherit(unsigned generation, unsigned successor);
  /// That socket is a generation's from now on, whose ever it was: it has got it from its predecessor.
  [[nodiscard]] Result<void> pass_on(int member, unsigned generation);
  /// Lets that generation accept a connection as soon as it is made, whatever the app has set: with TCP_DEFER_ACCEPT
  /// (uWSGI: 4 s) one on which nothing was said yet is in no queue, so it can be neither seen nor counted nor moved.
  void defer_no_accept(unsigned generation);

  /// True if that generation listens here.
  [[nodiscard]] bool has(unsigned generation) const;
  /// The generation's sockets. Descriptors stay ours.
  [[nodiscard]] std::vector<int> sockets_of(unsigned generation) const;
  /// True while no generation listens.
  [[nodiscard]] bool is_only_ours() const;

  /// From now on new connections go to that generation; kOurs: they wait. At once if it doesn't listen yet: then to
  /// those of ours, until it does.
  [[nodiscard]] Result<void> serve(unsigned generation);
  /// Connections from that address and port go to that generation, until the next detour or serve().
  [[nodiscard]] Result<void> detour(const Poco::Net::SocketAddress& from, unsigned generation);
  /// The generation has ended. If it was served, what waits in its queue is kept, and what comes.
  [[nodiscard]] Result<void> leave(unsigned generation);
  /// What waits in the queues of a generation that isn't served goes elsewhere in the group; the kernel has to be
  /// allowed to move it (tcp_migrate_req). The generation listens on, and meets nobody. Returns how many were moved
  /// from sockets of ours, see move_waiting().
  [[nodiscard]] Result<unsigned> retire(unsigned generation);
  /// Removes one socket of a generation that isn't in use any more. What waits in its queue goes elsewhere in the group
  /// if the kernel may move it (tcp_migrate_req), else it is reset.
  [[nodiscard]] Result<void> drop(int member);
  /// An app has shut its listening socket down: that made it leave the group. Listens on it again.
  [[nodiscard]] Result<void> revive(int member);
  /// Lets clients that wait in sockets of ours wait in those of the generation that is served; where the kernel may not
  /// move them, they are reset. Returns how many they were.
  [[nodiscard]] Result<unsigned> move_waiting(bool kernel_moves);

 private:
  static constexpr unsigned kLeaving = ~0U;

  // In this order: the watch goes before the descriptor.
  struct Member {
    Fd fd;
    unsigned generation = kOurs;
    EventLoop::Watch watch{};
  };

  ListenGroup(const Poco::Net::SocketAddress& address, bool v6_only, uid_t owner)
      : address_(address), v6_only_(v6_only), owner_(owner) {}
  [[nodiscard]] Error cannot_listen() const;  ///< as errno says why
  [[nodiscard]] Result<void> add_ours(bool alone);
  [[nodiscard]] std::optional<std::size_t> place_of(int member) const;
  [[nodiscard]] std::vector<unsigned> places() const;
  [[nodiscard]] bool last_is_served() const;
  [[nodiscard]] std::size_t waiting_place() const;
  [[nodiscard]] Result<void> steer_anew();
  [[nodiscard]] static bool is_plain(const Member& member);
  [[nodiscard]] int plain_member() const;
  [[nodiscard]] bool has_to_stay(std::size_t place) const;
  /// Takes the member out, and returns it. The last one comes to its place.
  [[nodiscard]] Result<Member> take_out(std::size_t place);
  [[nodiscard]] Result<void> empty(std::size_t place);
  void fill_place(std::size_t place);
  void belong(Member& member, unsigned generation);
  [[nodiscard]] Result<void> keep_the_last_in_place(std::size_t leaving);
  [[nodiscard]] Result<void> remove_surplus();
  [[nodiscard]] std::optional<std::size_t> surplus_place() const;

  struct PrivateWay {
    Poco::Net::SocketAddress from;
    unsigned generation = kOurs;
  };

  Poco::Net::SocketAddress address_;
  bool v6_only_;
  uid_t owner_;
  std::vector<Member> members_;  ///< by place
  unsigned served_ = kOurs;
  std::optional<PrivateWay> private_way_;
  std::function<EventLoop::Watch(int)> watch_;
};

}  // namespace midair::sidecar
