#include "sockets/listen_spec.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair::sidecar {

class ListenSpecTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ListenSpecTest);
  CPPUNIT_TEST(reads_addresses_with_and_without_a_name);
  CPPUNIT_TEST(refuses_what_is_no_address);
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

  void an_unknown_host_is_explained() {
    assert_fails(resolve({"http", "no-such-host.invalid", 0}), Errc::bad_input,
                 "cannot listen on no-such-host.invalid");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ListenSpecTest, "listen_spec");

}  // namespace midair::sidecar
