/// @file
/// The listening sockets of the app: whose they are, and who gets the next connection.
#pragma once

#include <Poco/Net/SocketAddress.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "loop/event_loop.h"
#include "midair/error.h"
#include "midair/fd.h"
#include "sockets/listen_group.h"
#include "sockets/listen_spec.h"
#include "sockets/socket_call.h"
#include "sockets/unix_sockets.h"

namespace midair::sidecar {

/// How an app comes to its listening sockets.
enum class SocketMode {
  adopt,  ///< it binds them itself, and by a filter on its system calls they become members of groups
  pass,   ///< it takes them as LISTEN_FDS
  off,    ///< it binds them itself, and we know nothing of them
};

/// Owner of one group for each address, in which every generation has sockets of its own, so that nobody but the one
/// that is served ever meets a new client. On the loop thread.
///
/// *What is adopted:* TCP sockets with a port below the ephemeral range (net.ipv4.ip_local_port_range), or those of
/// `ports`, as soon as the app listens on them, and Unix sockets (see UnixSockets). Everything else is the app's own
/// business: other ports, port 0, UDP sockets, other network namespaces. What can't be adopted although it should is
/// bound as without us; problem() says so from then on.
class AppSockets {
 public:
  struct Settings {
    SocketMode mode = SocketMode::off;
    std::vector<ListenSpec> listen;         ///< for `pass`
    std::vector<std::uint16_t> ports;       ///< for `adopt`; empty: all below the ephemeral range
    std::vector<std::string> unix_paths{};  ///< for `adopt`: Unix sockets that are led
  };
  /// True while a process of that generation has the socket open.
  using IsHeld = std::function<bool(unsigned generation, ino_t socket)>;

  /// Binds the addresses of `pass`, all or none. A host given by name is looked up, which may block.
  [[nodiscard]] static Result<std::unique_ptr<AppSockets>> open(EventLoop& loop, Settings settings, IsHeld is_held);
  AppSockets(const AppSockets&) = delete;
  AppSockets& operator=(const AppSockets&) = delete;

  [[nodiscard]] SocketMode mode() const { return settings_.mode; }

  /// `pass`: what a new generation gets, with the names for LISTEN_FDNAMES; none in other modes. Descriptors stay ours,
  /// until the generation has ended. With `shared` it accepts nothing until the one that serves has ceased to: then it
  /// gets the very sockets of that one, so that who waits in them is answered by either.
  [[nodiscard]] Result<std::vector<std::pair<std::string, int>>> lend(unsigned generation, bool shared);
  /// `adopt`: whether a new generation is to be heard about paths, too.
  [[nodiscard]] bool hears_paths() const { return mode() == SocketMode::adopt && unix_.hears_paths(); }
  /// `adopt`: the system calls of that generation arrive here; none if the kernel refused that.
  void hear(unsigned generation, Fd listener);
  /// Calls `listening` each time that generation, whose calls arrive here, has begun to listen; nothing: no more.
  void when_listening(unsigned generation, std::function<void()> listening);

  /// The switch: from now on new connections go to that generation, one system call for each address. Those that wait
  /// because nobody was served come to it too.
  void serve_with(unsigned generation);
  /// That generation was told to end, and may accept nothing any more. Clients that still wait in its queues after a
  /// moment, or come there because the kernel moves them, go to the one that is served, if the kernel may move them.
  void told_to_end(unsigned generation);
  /// That generation has ended, with all its processes, or was never started.
  void ended(unsigned generation);
  /// It isn't served, and shall accept nothing any more: what waits in its queues goes to the one that is, if the
  /// kernel may move it.
  void retire(unsigned generation);

  /// True if that generation listens anywhere that we know of.
  [[nodiscard]] bool listens(unsigned generation) const;
  /// The sockets on which that generation may accept: their inodes and addresses.
  [[nodiscard]] std::vector<std::pair<ino_t, Poco::Net::SocketAddress>> sockets_of(unsigned generation) const;
  /// The ports of those, each once.
  [[nodiscard]] std::vector<std::uint16_t> ports_of(unsigned generation) const;
  /// True once nobody waits in the queues of that generation.
  [[nodiscard]] bool has_answered_all(unsigned generation) const;
  /// Where clients are served, and that generation doesn't listen; empty if it listens everywhere. What the one that
  /// serves has closed meanwhile doesn't count.
  [[nodiscard]] std::string missing(unsigned generation);
  /// Why that generation could not listen where it wanted to; empty if it could.
  [[nodiscard]] std::string conflict(unsigned generation) const;
  /// Why the app's sockets can't be adopted, although they should; empty if they can.
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// Begins a connection that reaches that generation and no other, whoever is served: from an address and port of our
  /// own. Non-blocking. Goes to the first address that the generation listens on, of those of `ports` or `listen` the
  /// first. Errc::not_found if it listens nowhere.
  [[nodiscard]] Result<Fd> connect_to(unsigned generation);
  /// Where connect_to() leads, as clients name it; empty if nowhere.
  [[nodiscard]] std::string address_of(unsigned generation) const;

 private:
  struct Group {
    std::string name;  ///< for `pass`
    ListenGroup sockets;
    bool was_served = false;  ///< by a generation that listened: its successors have to
  };
  struct Caller {
    Fd listener;
    EventLoop::Watch watch;
    std::function<void()> listening;
    std::string conflict;
    std::set<ino_t> alone;  ///< bound, and not to share their address (SO_REUSEPORT)
  };

  AppSockets(EventLoop& loop, Settings settings, IsHeld is_held, bool kernel_moves, std::uint16_t first_ephemeral);
  [[nodiscard]] Result<void> open_groups();
  Group& add_group(std::string name, ListenGroup opened);
  void answer_call(unsigned generation);
  [[nodiscard]] bool is_managed(std::uint16_t port) const;
  /// 0 or an errno; nothing: the kernel shall do it.
  [[nodiscard]] std::optional<int> bind(unsigned generation, const SocketCall& call);
  [[nodiscard]] std::optional<int> listen(unsigned generation, const SocketCall& call);
  [[nodiscard]] std::optional<int> leave_alone(const Error& error);
  /// Whether it would be in use without us too, or would take the clients of another generation.
  [[nodiscard]] bool in_use(unsigned generation, const TcpSocket& socket, bool shares);
  /// Whether another socket of that generation listens there, and they don't share the address.
  [[nodiscard]] bool is_taken(unsigned generation, const TcpSocket& socket, bool shares) const;
  void remember_alone(unsigned generation, ino_t socket);
  [[nodiscard]] Result<Group*> group_for(const TcpSocket& socket);
  [[nodiscard]] Group* group_at(const Poco::Net::SocketAddress& address, bool v6_only);
  [[nodiscard]] Group* first_group_of(unsigned generation) const;
  void drop_abandoned(unsigned generation);
  void drop_abandoned(Group& group, unsigned generation);
  void give_what_was_passed_on(Group& group, unsigned before, unsigned generation);
  void note_problem(const Error& error);
  [[nodiscard]] bool has(const Group& group, unsigned generation) const;
  void settle(Group& group);
  void look_after_leaving();
  /// In a queue of its TCP sockets.
  [[nodiscard]] bool some_wait_for(unsigned generation) const;
  void tell_of_moved(const Group& group, const Result<unsigned>& waited);
  void forget_unused_groups();
  void forget_waiting_beside(const Poco::Net::SocketAddress& address, bool v6_only);
  void begin_to_look();
  void look_at_queues();
  void check(const Result<void>& done);

  EventLoop& loop_;
  const Settings settings_;
  const IsHeld is_held_;
  const bool kernel_moves_;  ///< net.ipv4.tcp_migrate_req
  const std::uint16_t first_ephemeral_;
  std::vector<std::unique_ptr<Group>> groups_;
  UnixSockets unix_;
  std::map<unsigned, Caller> callers_;
  std::set<unsigned> sharing_;  ///< generations that listen on the sockets of the one that is served
  std::set<unsigned> leaving_;  ///< generations that were told to end
  unsigned served_ = ListenGroup::kOurs;
  std::string problem_;
  std::optional<EventLoop::Timer> leaving_look_;
  std::optional<EventLoop::Timer> next_look_;  ///< while the one that is served has several sockets at an address
};

}  // namespace midair::sidecar
