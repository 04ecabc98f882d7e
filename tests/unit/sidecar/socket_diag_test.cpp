#include "connections/socket_diag.h"

#include <cppunit/extensions/HelperMacros.h>
#include <poll.h>

#include <algorithm>
#include <vector>

#include "result_asserts.h"
#include "sockets/tcp_socket.h"
#include "tcp_sockets.h"

namespace midair::sidecar {

class SocketDiagTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SocketDiagTest);
  CPPUNIT_TEST(a_dump_has_the_connections_of_its_ports_and_no_others);
  CPPUNIT_TEST(it_has_those_of_both_families);
  CPPUNIT_TEST(it_has_more_than_one_datagram_holds);
  CPPUNIT_TEST(it_tells_what_was_sent_and_received);
  CPPUNIT_TEST(it_tells_which_end_has_closed);
  CPPUNIT_TEST(mptcp_shows_the_socket_of_the_app);
  CPPUNIT_TEST(one_is_found_by_its_ends);
  CPPUNIT_TEST(one_to_a_socket_for_both_families_is_found);
  CPPUNIT_TEST(where_only_somebody_listens_there_is_none);
  CPPUNIT_TEST(the_length_of_an_accept_queue);
  CPPUNIT_TEST_SUITE_END();

  SocketDiag diag_ = value_of(SocketDiag::open());

  std::vector<Connection> dump(const std::vector<std::uint16_t>& ports) { return value_of(diag_.dump(ports)); }
  std::optional<Connection> find(const Endpoint& local, const Endpoint& remote) {
    return value_of(diag_.find(local, remote));
  }

  /// The server's only connection, once `is_so`: what one side has done, the other's kernel side learns by itself.
  template <class Condition>
  Connection await(const Fd& listener, Condition is_so) {
    for (int tries = 0; tries < 5000; ++tries) {
      const auto connections = dump({port_of(listener)});
      if (connections.size() == 1 && is_so(connections.front())) return connections.front();
      ::poll(nullptr, 0, 1);
    }
    CPPUNIT_FAIL("it did not come to that");
    return {};
  }

  void a_dump_has_the_connections_of_its_ports_and_no_others() {
    const Fd first = listen_on(AF_INET);
    const Fd second = listen_on(AF_INET);
    const Fd other = listen_on(AF_INET);
    std::vector<Fd> clients;
    for (const Fd* listener : {&first, &second, &other}) clients.push_back(connect_to(port_of(*listener)));
    const auto connections = dump({port_of(first), port_of(second)});
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), connections.size());
    for (const Connection& connection : connections) CPPUNIT_ASSERT(connection.local.port != port_of(other));
    CPPUNIT_ASSERT(dump({}).empty());
  }

  void it_has_those_of_both_families() {
    const Fd ipv6 = listen_on(AF_INET6);
    const Fd both = listen_on(AF_INET6, IPPROTO_TCP, true);
    const Fd clients[] = {connect_to(port_of(ipv6), AF_INET6), connect_to(port_of(both), AF_INET6),
                          connect_to(port_of(both), AF_INET)};
    const auto connections = dump({port_of(ipv6), port_of(both)});
    CPPUNIT_ASSERT_EQUAL(std::size_t(3), connections.size());
    for (const Fd& client : clients) {
      const auto is_its = [&](const Connection& connection) {
        return connection.local == remote_end(client.get()) && connection.remote == local_end(client.get());
      };
      CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1), std::ranges::count_if(connections, is_its));
    }
  }

  void it_has_more_than_one_datagram_holds() {
    constexpr std::size_t kMany = 200;
    const Fd listener = listen_on(AF_INET);
    std::vector<Fd> clients;
    while (clients.size() < kMany) clients.push_back(connect_to(port_of(listener)));
    CPPUNIT_ASSERT_EQUAL(kMany, dump({port_of(listener)}).size());
  }

  void it_tells_what_was_sent_and_received() {
    const Fd listener = listen_on(AF_INET);
    const Fd client = connect_to(port_of(listener));
    CPPUNIT_ASSERT_EQUAL(ino_t(0), dump({port_of(listener)}).front().inode);
    const Fd server = accept_from(listener);
    send_text(client, "12345");
    Connection seen = await(listener, [](const Connection& connection) { return connection.rqueue == 5; });
    CPPUNIT_ASSERT(seen.state == TcpState::established);
    CPPUNIT_ASSERT_EQUAL(inode_of(server), seen.inode);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(5), seen.bytes_received.value());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), seen.bytes_sent.value());
    send_text(server, "123");
    seen = await(listener, [](const Connection& connection) { return connection.unacked == 0u; });
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), seen.bytes_sent.value());
    CPPUNIT_ASSERT(seen.last_data_sent.value() <= seen.last_data_recv.value());
    CPPUNIT_ASSERT(seen.last_data_recv.value() < std::chrono::minutes(1));
  }

  void it_tells_which_end_has_closed() {
    const Fd listener = listen_on(AF_INET);
    Fd client = connect_to(port_of(listener));
    Fd server = accept_from(listener);
    ::shutdown(client.get(), SHUT_WR);
    await(listener, [](const Connection& connection) { return connection.state == TcpState::close_wait; });
    client.reset();
    server.reset();
    for (const auto& connection : dump({port_of(listener)})) CPPUNIT_ASSERT_EQUAL(ino_t(0), connection.inode);

    client = connect_to(port_of(listener));
    server = accept_from(listener);
    ::shutdown(server.get(), SHUT_WR);
    const auto is_half = [](const Connection& connection) { return connection.state == TcpState::fin_wait_2; };
    CPPUNIT_ASSERT_EQUAL(inode_of(server), await(listener, is_half).inode);
    ::shutdown(client.get(), SHUT_WR);  // leaves the server's end in TIME_WAIT
    char end = 0;
    CPPUNIT_ASSERT_EQUAL(ssize_t(0), ::recv(server.get(), &end, 1, 0));
    CPPUNIT_ASSERT(dump({port_of(listener)}).empty());
  }

  void mptcp_shows_the_socket_of_the_app() {
    const Fd listener = listen_on(AF_INET, IPPROTO_MPTCP);
    if (!listener) return;  // this kernel has none
    for (const int protocol : {IPPROTO_MPTCP, IPPROTO_TCP}) {
      const Fd client = connect_to(port_of(listener), AF_INET, protocol);
      CPPUNIT_ASSERT_EQUAL(1u, waiting_clients(listener.get()).value());
      const Fd server = accept_from(listener);
      const auto seen = find(remote_end(client.get()), local_end(client.get()));
      CPPUNIT_ASSERT(seen.has_value());
      CPPUNIT_ASSERT_EQUAL(inode_of(server), seen->inode);
    }
  }

  void one_is_found_by_its_ends() {
    for (const int family : {AF_INET, AF_INET6}) {
      const Fd listener = listen_on(family);
      Fd client = connect_to(port_of(listener), family);
      const Endpoint near = remote_end(client.get());
      const Endpoint far = local_end(client.get());
      CPPUNIT_ASSERT_EQUAL(ino_t(0), find(near, far).value().inode);
      Fd server = accept_from(listener);
      CPPUNIT_ASSERT_EQUAL(inode_of(server), find(near, far).value().inode);
      CPPUNIT_ASSERT_EQUAL(inode_of(client), find(far, near).value().inode);
      const linger reset{1, 0};
      ::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      server.reset();
      CPPUNIT_ASSERT(!find(near, far).has_value());
    }
  }

  void one_to_a_socket_for_both_families_is_found() {
    const Fd listener = listen_on(AF_INET6, IPPROTO_TCP, true);
    const Fd client = connect_to(port_of(listener), AF_INET);
    const Fd server = accept_from(listener);
    const auto seen = find(remote_end(client.get()), local_end(client.get()));
    CPPUNIT_ASSERT(seen.has_value());
    CPPUNIT_ASSERT_EQUAL(inode_of(server), seen->inode);
    CPPUNIT_ASSERT(is_ipv4(seen->remote));
  }

  void where_only_somebody_listens_there_is_none() {
    for (const int family : {AF_INET, AF_INET6}) {
      const Fd listener = listen_on(family);
      Endpoint nobody = local_end(listener.get());
      nobody.port = 1;
      CPPUNIT_ASSERT(!find(local_end(listener.get()), nobody).has_value());
      CPPUNIT_ASSERT(!find(nobody, local_end(listener.get())).has_value());
    }
  }

  void the_length_of_an_accept_queue() {
    const Fd listener = listen_on(AF_INET);
    CPPUNIT_ASSERT_EQUAL(0u, waiting_clients(listener.get()).value());
    const Fd client = connect_to(port_of(listener));
    const Fd second = connect_to(port_of(listener));
    CPPUNIT_ASSERT_EQUAL(2u, waiting_clients(listener.get()).value());
    const Fd server = accept_from(listener);
    CPPUNIT_ASSERT_EQUAL(1u, waiting_clients(listener.get()).value());
    CPPUNIT_ASSERT(!waiting_clients(server.get()).has_value());
    CPPUNIT_ASSERT(!waiting_clients(-1).has_value());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SocketDiagTest, "socket_diag");

}  // namespace midair::sidecar
