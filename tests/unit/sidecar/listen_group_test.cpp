#include "sockets/listen_group.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <vector>

#include "result_asserts.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

constexpr unsigned kOld = 1;
constexpr unsigned kNew = 2;

ListenGroup group_at(const char* host, bool v6_only = false) {
  return value_of(ListenGroup::open(SocketAddress(host, 0), v6_only, ::geteuid(), false));
}

/// A client of the group that is connected, from `from` if that is given, which then is where it was bound.
Fd client_of(const ListenGroup& group, const char* to, SocketAddress* from = nullptr) {
  const SocketAddress address(to, group.address().port());
  Fd fd(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (from != nullptr) CPPUNIT_ASSERT_EQUAL(0, ::bind(fd.get(), from->addr(), from->length()));
  CPPUNIT_ASSERT_EQUAL(0, ::connect(fd.get(), address.addr(), address.length()));
  return fd;
}

std::vector<Fd> clients_of(const ListenGroup& group, std::size_t number) {
  std::vector<Fd> clients;
  clients.reserve(number);
  while (clients.size() < number) clients.push_back(client_of(group, "127.0.0.1"));
  return clients;
}

/// A socket that is bound to that address and no other program can have.
/// None if the kernel doesn't have that protocol.
Fd bound_to(const SocketAddress& address, int protocol = IPPROTO_TCP) {
  Fd fd(::socket(address.af(), SOCK_STREAM | SOCK_CLOEXEC, protocol));
  if (!fd) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  CPPUNIT_ASSERT_EQUAL(0, ::bind(fd.get(), address.addr(), address.length()));
  return fd;
}

unsigned waiting(const ListenGroup& group, unsigned generation) {
  unsigned sum = 0;
  for (const int fd : group.sockets_of(generation)) sum += waiting_clients(fd).value();
  return sum;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

bool kernel_moves_clients() {
  const Fd file(::open("/proc/sys/net/ipv4/tcp_migrate_req", O_RDWR | O_CLOEXEC));
  return file && ::write(file.get(), "1\n", 2) == 2;
}

}  // namespace

class ListenGroupTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListenGroupTest);
  CPPUNIT_TEST(new_connections_go_to_who_is_served_alone);
  CPPUNIT_TEST(the_switch_goes_both_ways);
  CPPUNIT_TEST(the_private_way_leads_to_the_candidate);
  CPPUNIT_TEST(clients_wait_while_nobody_is_served);
  CPPUNIT_TEST(who_leaves_moves_nobody_that_is_served);
  CPPUNIT_TEST(a_hundred_generations_leave_nothing);
  CPPUNIT_TEST(several_sockets_of_a_generation_share);
  CPPUNIT_TEST(a_socket_that_was_shut_down_listens_again);
  CPPUNIT_TEST(who_waits_goes_on_with_the_successor);
  CPPUNIT_TEST(who_waited_for_nobody_reaches_who_comes);
  CPPUNIT_TEST(what_mptcp_leaves_is_no_hindrance);
  CPPUNIT_TEST(nobody_else_may_listen_there);
  CPPUNIT_TEST(lent_sockets_are_as_activated_apps_expect_them);
  CPPUNIT_TEST(it_knows_what_overlaps);
  CPPUNIT_TEST_SUITE_END();

  /// Every one of some connections is answered by that generation.
  static void assert_served(const ListenGroup& group, unsigned generation, const char* to = "127.0.0.1") {
    for (int i = 0; i < 8; ++i) {
      const unsigned before = waiting(group, generation);
      const Fd client = client_of(group, to);
      CPPUNIT_ASSERT_EQUAL(before + 1, waiting(group, generation));
    }
  }

  void new_connections_go_to_who_is_served_alone() {
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(kOld));
    assert_ok(group.serve(kOld));
    value_of(group.lend(kNew));
    assert_served(group, kOld);
    CPPUNIT_ASSERT_EQUAL(0U, waiting(group, kNew));
  }

  void the_switch_goes_both_ways() {
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(kOld));
    value_of(group.lend(kNew));
    for (int i = 0; i < 10; ++i)
      for (const unsigned served : {kOld, kNew}) {
        assert_ok(group.serve(served));
        assert_served(group, served);
      }
  }

  void the_private_way_leads_to_the_candidate() {
    struct Case {
      const char* bound;
      bool v6_only;
      const char* to;
      const char* from;
      const char* other;
    };
    for (const Case& c :
         {Case{"127.0.0.1", false, "127.0.0.1", "127.0.0.77", "127.0.0.78"},
          Case{"::", false, "127.0.0.1", "127.0.0.77", "127.0.0.78"},
          Case{"0.0.0.0", false, "127.0.0.1", "127.0.0.77", "127.0.0.78"}, Case{"::1", true, "::1", "::1", nullptr}}) {
      ListenGroup group = group_at(c.bound, c.v6_only);
      value_of(group.lend(kOld));
      assert_ok(group.serve(kOld));
      value_of(group.lend(kNew));
      // A port that we hold: bound first, as the sidecar does.
      const Fd reserved = bound_to(SocketAddress(c.from, 0));
      const SocketAddress from = value_of(tcp_socket(reserved.get())).address;
      assert_ok(group.detour(from, kNew));
      const SocketAddress to(c.to, group.address().port());
      CPPUNIT_ASSERT_EQUAL(0, ::connect(reserved.get(), to.addr(), to.length()));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bound, 1U, waiting(group, kNew));
      SocketAddress same_address(c.from, 0);
      const Fd other_port = client_of(group, c.to, &same_address);
      if (c.other != nullptr) {
        SocketAddress same_port(c.other, from.port());
        const Fd other_address = client_of(group, c.to, &same_port);
        CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bound, 2U, waiting(group, kOld));
      }
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.bound, 1U, waiting(group, kNew));
    }
  }

  void clients_wait_while_nobody_is_served() {
    ListenGroup group = group_at("127.0.0.1");
    const Fd early = client_of(group, "127.0.0.1");
    const int lent = value_of(group.lend(kOld));  // the very socket in which it waits
    CPPUNIT_ASSERT_EQUAL(1U, waiting_clients(lent).value());
    assert_ok(group.serve(kOld));
    const Fd accepted(::accept4(lent, nullptr, nullptr, SOCK_CLOEXEC));
    CPPUNIT_ASSERT(accepted);
    assert_ok(group.leave(kOld));
    const Fd later = client_of(group, "127.0.0.1");
    CPPUNIT_ASSERT_EQUAL(1U, waiting_clients(value_of(group.lend(kNew))).value());
  }

  void who_leaves_moves_nobody_that_is_served() {
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(kOld));
    value_of(group.lend(kNew));
    assert_ok(group.serve(kNew));  // the last
    assert_ok(group.leave(kOld));
    assert_served(group, kNew);
    CPPUNIT_ASSERT(!group.has(kOld));
  }

  void a_hundred_generations_leave_nothing() {
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(1));
    assert_ok(group.serve(1));
    std::size_t after_ten = 0;
    for (unsigned generation = 2; generation < 102; ++generation) {
      if (generation == 12) after_ten = open_descriptors();
      value_of(group.lend(generation));
      assert_ok(group.serve(generation));
      assert_ok(group.leave(generation - 1));
      const Fd client = client_of(group, "127.0.0.1");
      CPPUNIT_ASSERT_EQUAL(1U, waiting(group, generation));
      const Fd accepted(::accept4(group.sockets_of(generation).front(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    CPPUNIT_ASSERT_EQUAL(after_ten, open_descriptors());
  }

  void several_sockets_of_a_generation_share() {
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(kOld));
    assert_ok(group.serve(kOld));
    for (int i = 0; i < 3; ++i) assert_ok(group.join(kNew, bound_to(group.address())));
    CPPUNIT_ASSERT_EQUAL(std::size_t(3), group.sockets_of(kNew).size());
    assert_ok(group.serve(kNew));
    const std::vector<Fd> clients = clients_of(group, 60);
    CPPUNIT_ASSERT_EQUAL(60U, waiting(group, kNew));
    for (const int fd : group.sockets_of(kNew)) CPPUNIT_ASSERT(waiting_clients(fd).value() > 5);
  }

  void a_socket_that_was_shut_down_listens_again() {
    const auto loop = value_of(EventLoop::create());
    ListenGroup group = group_at("127.0.0.1");
    group.watch_with([&](int fd) {
      return loop->watch(fd, 0, [&, fd](std::uint32_t) {
        assert_ok(group.revive(fd));
        loop->quit();
      });
    });
    value_of(group.lend(kOld));
    const int served = value_of(group.lend(kNew));
    assert_ok(group.serve(kNew));
    for (int i = 0; i < 3; ++i) {
      ::shutdown(i == 1 ? group.sockets_of(kOld).front() : served, SHUT_RDWR);
      loop->run();
      const unsigned moved = waiting(group, kOld);  // those who waited in what was shut down went somewhere
      assert_served(group, kNew);
      CPPUNIT_ASSERT_EQUAL(moved, waiting(group, kOld));
    }
  }

  void who_waits_goes_on_with_the_successor() {
    if (!kernel_moves_clients()) return;
    ListenGroup group = group_at("127.0.0.1");
    value_of(group.lend(kOld));
    assert_ok(group.serve(kOld));
    const std::vector<Fd> clients = clients_of(group, 20);
    value_of(group.lend(kNew));
    assert_ok(group.serve(kNew));
    assert_ok(group.leave(kOld));
    value_of(group.move_waiting(true));
    CPPUNIT_ASSERT_EQUAL(20U, waiting(group, kNew));
  }

  void who_waited_for_nobody_reaches_who_comes() {
    if (!kernel_moves_clients()) return;
    ListenGroup group = group_at("127.0.0.1");
    const std::vector<Fd> clients = clients_of(group, 20);
    assert_ok(group.serve(kNew));  // it doesn't listen yet
    assert_ok(group.join(kNew, bound_to(group.address())));
    CPPUNIT_ASSERT_EQUAL(20U, value_of(group.move_waiting(true)));
    CPPUNIT_ASSERT_EQUAL(20U, waiting(group, kNew));
    assert_served(group, kNew);
  }

  void what_mptcp_leaves_is_no_hindrance() {
    ListenGroup group = group_at("127.0.0.1");
    for (unsigned generation = 1; generation < 6; ++generation) {
      Fd socket = bound_to(group.address(), IPPROTO_MPTCP);
      if (!socket) return;
      assert_ok(group.join(generation, std::move(socket)));
      assert_ok(group.serve(generation));
      value_of(group.move_waiting(kernel_moves_clients()));
      CPPUNIT_ASSERT_EQUAL(0U, waiting(group, ListenGroup::kOurs));
      assert_served(group, generation);
      assert_ok(group.leave(generation));  // it was served: its sockets are kept
      const Fd client = client_of(group, "127.0.0.1");
    }
  }

  void nobody_else_may_listen_there() {
    const ListenGroup group = group_at("127.0.0.1");
    assert_fails(ListenGroup::open(group.address(), false, ::geteuid(), false), Errc::io,
                 "Address already in use. Try: stop");
    assert_fails(ListenGroup::open(SocketAddress("192.0.2.1", 0), false, ::geteuid(), false), Errc::io,
                 "192.0.2.1");  // nobody's own (RFC 5737)
  }

  void lent_sockets_are_as_activated_apps_expect_them() {
    ListenGroup group = group_at("127.0.0.1");
    const int first = value_of(group.lend(kOld));
    ::fcntl(first, F_SETFL, O_NONBLOCK);
    ::listen(first, 1);
    assert_ok(group.serve(kOld));
    assert_ok(group.leave(kOld));  // nobody is served: the next one gets it
    std::vector<Fd> clients;
    clients.push_back(client_of(group, "127.0.0.1"));
    const int lent = value_of(group.lend(kNew));
    CPPUNIT_ASSERT_EQUAL(first, lent);
    CPPUNIT_ASSERT_EQUAL(0, ::fcntl(lent, F_GETFL) & O_NONBLOCK);
    CPPUNIT_ASSERT_EQUAL(FD_CLOEXEC, ::fcntl(lent, F_GETFD) & FD_CLOEXEC);
    assert_ok(group.serve(kNew));
    for (int i = 0; i < 50; ++i) clients.push_back(client_of(group, "127.0.0.1"));  // a queue of 1 would take 2
  }

  void it_knows_what_overlaps() {
    const ListenGroup dual = group_at("::");
    const std::uint16_t port = dual.address().port();
    CPPUNIT_ASSERT(dual.overlaps(SocketAddress("0.0.0.0", port), false));
    CPPUNIT_ASSERT(dual.overlaps(SocketAddress("127.0.0.1", port), false));
    CPPUNIT_ASSERT(dual.overlaps(SocketAddress("::1", port), true));
    CPPUNIT_ASSERT(!dual.overlaps(SocketAddress("0.0.0.0", static_cast<std::uint16_t>(port - 1)), false));
    const ListenGroup only6 = group_at("::", true);
    CPPUNIT_ASSERT(!only6.overlaps(SocketAddress("0.0.0.0", only6.address().port()), false));
    const ListenGroup loopback = group_at("127.0.0.1");
    CPPUNIT_ASSERT(loopback.overlaps(SocketAddress("0.0.0.0", loopback.address().port()), false));
    CPPUNIT_ASSERT(!loopback.overlaps(SocketAddress("127.0.0.2", loopback.address().port()), false));
    CPPUNIT_ASSERT(loopback.overlaps(SocketAddress("::", loopback.address().port()), false));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ListenGroupTest, "listen_group");

}  // namespace midair::sidecar
