#include "process/listen_sockets.h"

#include <Poco/Net/StreamSocket.h>
#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <filesystem>

#include "result_asserts.h"

namespace midair::sidecar {

class ListenSocketsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListenSocketsTest);
  CPPUNIT_TEST(reads_addresses_with_and_without_a_name);
  CPPUNIT_TEST(refuses_what_is_no_address);
  CPPUNIT_TEST(clients_reach_every_socket);
  CPPUNIT_TEST(an_ipv6_wildcard_takes_ipv4_too);
  CPPUNIT_TEST(sockets_are_as_activated_apps_expect_them);
  CPPUNIT_TEST(inodes_are_those_in_proc);
  CPPUNIT_TEST(a_port_in_use_is_explained);
  CPPUNIT_TEST(an_unknown_host_is_explained);
  CPPUNIT_TEST_SUITE_END();

  static void assert_spec(const std::string& text, const std::string& name, const std::string& host, int port) {
    const ListenSpec spec = value_of(parse_listen_spec(text));
    CPPUNIT_ASSERT_EQUAL(name, spec.name);
    CPPUNIT_ASSERT_EQUAL(host, spec.host);
    CPPUNIT_ASSERT_EQUAL(port, static_cast<int>(spec.port));
  }

  void reads_addresses_with_and_without_a_name() {
    assert_spec("0.0.0.0:8080", "http", "0.0.0.0", 8080);
    assert_spec("[::]:8080", "http", "::", 8080);
    assert_spec("admin=[::1]:9000", "admin", "::1", 9000);
    assert_spec("web=fly-local-6pn:0", "web", "fly-local-6pn", 0);
    assert_spec("127.0.0.1:65535", "http", "127.0.0.1", 65535);
  }

  void refuses_what_is_no_address() {
    for (const char* text : {"", "8080", ":8080", "[]:8080", "0.0.0.0:", "0.0.0.0:65536", "0.0.0.0:-1", "0.0.0.0:80x",
                             "::1:80", "[::1:80", "::1]:80", "[::1]80", "=0.0.0.0:80", "a:b=0.0.0.0:80", "0.0.0.0: 80"})
      assert_fails(parse_listen_spec(text), Errc::bad_input, "[NAME=]HOST:PORT");
  }

  void clients_reach_every_socket() {
    const auto sockets = value_of(ListenSockets::open({{"http", "127.0.0.1", 0}, {"admin", "127.0.0.1", 0}}));
    CPPUNIT_ASSERT_EQUAL(std::string("http"), sockets.named()[0].first);
    CPPUNIT_ASSERT_EQUAL(std::string("admin"), sockets.named()[1].first);
    CPPUNIT_ASSERT(sockets.port_of("http") != 0 && sockets.port_of("http") != sockets.port_of("admin"));
    CPPUNIT_ASSERT_EQUAL(0, static_cast<int>(sockets.port_of("other")));
    for (const auto& [name, fd] : sockets.named()) {
      Poco::Net::StreamSocket client(*sockets.address_of(name));  // the kernel's queue takes it, nobody need accept
      const Fd accepted(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC));
      CPPUNIT_ASSERT(accepted);
    }
  }

  void an_ipv6_wildcard_takes_ipv4_too() {
    const auto sockets = value_of(ListenSockets::open({{"http", "::", 0}}));
    Poco::Net::StreamSocket client(Poco::Net::SocketAddress("127.0.0.1", sockets.port_of("http")));
  }

  void sockets_are_as_activated_apps_expect_them() {
    const auto sockets = value_of(ListenSockets::open({{"http", "127.0.0.1", 0}}));
    const int fd = sockets.named().front().second;
    CPPUNIT_ASSERT_EQUAL(0, ::fcntl(fd, F_GETFL) & O_NONBLOCK);
    CPPUNIT_ASSERT_EQUAL(FD_CLOEXEC, ::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    const auto option = [fd](int name) {
      int value = 0;
      socklen_t size = sizeof value;
      CPPUNIT_ASSERT(::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0);
      return value;
    };
    CPPUNIT_ASSERT_EQUAL(1, option(SO_ACCEPTCONN));
    CPPUNIT_ASSERT_EQUAL(1, option(SO_REUSEADDR));
    CPPUNIT_ASSERT_EQUAL(0, option(SO_REUSEPORT));
  }

  void inodes_are_those_in_proc() {
    const auto sockets = value_of(ListenSockets::open({{"http", "127.0.0.1", 0}}));
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(sockets.named().front().second));
    CPPUNIT_ASSERT_EQUAL("socket:[" + std::to_string(sockets.inodes().front()) + "]", link.string());
  }

  void a_port_in_use_is_explained() {
    const auto sockets = value_of(ListenSockets::open({{"http", "127.0.0.1", 0}}));
    assert_fails(ListenSockets::open({{"http", "127.0.0.1", sockets.port_of("http")}}), Errc::io,
                 "Address already in use. Try: stop");
  }

  void an_unknown_host_is_explained() {
    assert_fails(ListenSockets::open({{"http", "no-such-host.invalid", 0}}), Errc::bad_input,
                 "cannot listen on no-such-host.invalid");
    assert_fails(ListenSockets::open({{"http", "192.0.2.1", 0}}), Errc::io, "192.0.2.1");  // nobody's own (RFC 5737)
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ListenSocketsTest, "listen_sockets");

}  // namespace midair::sidecar
