#include "process/listening.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "result_asserts.h"
#include "sockets/listen_group.h"
#include "sockets/tcp_socket.h"

namespace midair::sidecar {

class ListeningTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListeningTest);
  CPPUNIT_TEST(lines_of_the_kernel_are_read);
  CPPUNIT_TEST(what_does_not_listen_is_left_out);
  CPPUNIT_TEST(our_own_sockets_are_found);
  CPPUNIT_TEST(nobody_listens_nowhere);
  CPPUNIT_TEST_SUITE_END();

  static std::string line(const std::string& address, const std::string& state = "0A") {
    return "   0: " + address + " 00000000:0000 " + state +
           " 00000000:00000003 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0";
  }

  void lines_of_the_kernel_are_read() {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"0100007F:1F90", "127.0.0.1:8080"},
        {"00000000:0050", "0.0.0.0:80"},
        {"00000000000000000000000000000000:1F90", "[::]:8080"},
        {"00000000000000000000000001000000:1F90", "[::1]:8080"},
    };
    for (const auto& [text, address] : rows) {
      const auto socket = parse_listening(line(text));
      CPPUNIT_ASSERT_MESSAGE(text, socket.has_value());
      CPPUNIT_ASSERT_EQUAL(address, socket->address.toString());
      CPPUNIT_ASSERT_EQUAL(3UL, socket->waiting);
      CPPUNIT_ASSERT_EQUAL(ino_t(12345), socket->inode);
    }
  }

  void what_does_not_listen_is_left_out() {
    CPPUNIT_ASSERT(!parse_listening(line("0100007F:1F90", "01")).has_value());
    for (const char* text : {"", "  sl  local_address rem_address   st", "0: 0100007F:1F90", "0: 01:1F90 0:0 0A"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_listening(text).has_value());
    for (const char* text : {"0100007F:FFFFF", "0100007F0100007F:1F90", ":1F90"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_listening(line(text)).has_value());
  }

  void our_own_sockets_are_found() {
    for (const char* host : {"127.0.0.1", "::1"}) {
      auto group = value_of(ListenGroup::open(Poco::Net::SocketAddress(host, 0), false, ::geteuid(), false));
      const ino_t inode = value_of(tcp_socket(value_of(group.lend(1)))).inode;
      const auto listeners = listeners_among({::getpid()});
      const auto found = std::ranges::find(listeners, inode, [](const Listener& each) { return each.socket.inode; });
      CPPUNIT_ASSERT_MESSAGE(host, found != listeners.end());
      CPPUNIT_ASSERT_EQUAL(::getpid(), found->pid);
      CPPUNIT_ASSERT_EQUAL(group.address().toString(), found->socket.address.toString());
    }
  }

  void nobody_listens_nowhere() {
    CPPUNIT_ASSERT(listeners_among({}).empty());
    CPPUNIT_ASSERT(listeners_among({1 << 30}).empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ListeningTest, "listening");

}  // namespace midair::sidecar
