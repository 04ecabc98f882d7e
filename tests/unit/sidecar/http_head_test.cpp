#include "process/http_head.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair::sidecar {

class HttpHeadTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HttpHeadTest);
  CPPUNIT_TEST(reads_status_and_release);
  CPPUNIT_TEST(a_missing_reason_or_header_is_fine);
  CPPUNIT_TEST(refuses_what_is_no_head);
  CPPUNIT_TEST(refuses_what_is_too_long);
  CPPUNIT_TEST(every_truncation_of_a_head_is_refused);
  CPPUNIT_TEST_SUITE_END();

  void reads_status_and_release() {
    const auto head = value_of(parse_http_head(
        "HTTP/1.1 200 OK\r\nServer: a b\r\nmIdAir-reLease: \t sha256:ab12 \t\r\nX-Text: caf\xe9\t!\r\nEmpty:\r\n\r\n"));
    CPPUNIT_ASSERT_EQUAL(200, head.status);
    CPPUNIT_ASSERT_EQUAL(std::string("sha256:ab12"), head.release);
  }

  void a_missing_reason_or_header_is_fine() {
    CPPUNIT_ASSERT_EQUAL(503, value_of(parse_http_head("HTTP/1.0 503\r\n\r\n")).status);
    CPPUNIT_ASSERT_EQUAL(204, value_of(parse_http_head("HTTP/1.1 204 \r\n\r\n")).status);
    CPPUNIT_ASSERT_EQUAL(std::string(), value_of(parse_http_head("HTTP/1.1 204 \r\n\r\n")).release);
  }

  void refuses_what_is_no_head() {
    for (const std::string& head : {
             std::string(),
             std::string("\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\n\n"),
             std::string("HTTP/1.1 200 OK\r\n"),
             std::string("HTTP/1.1 200 OK\r\n\r\nbody"),
             std::string("HTTP/2 200 OK\r\n\r\n"),
             std::string("HTTP/1.1  200 OK\r\n\r\n"),
             std::string("HTTP/1.1 20 OK\r\n\r\n"),
             std::string("HTTP/1.1 2000 OK\r\n\r\n"),
             std::string("HTTP/1.1 099 OK\r\n\r\n"),
             std::string("HTTP/1.1 600 OK\r\n\r\n"),
             std::string("HTTP/1.1 -20 OK\r\n\r\n"),
             std::string("http/1.1 200 OK\r\n\r\n"),
             std::string("HTTP/1.1 200 O\nK\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\n: no name\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", 27),
             std::string("HTTP/1.1 200 OK\r\nMidair-Release: a\r\nMidair-Release: a\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nMidair-Release:\r\n\r\n"),
             std::string("HTTP/1.1 200 OK\r\nMidair-Release: \xc3\xa4\r\n\r\n"),
             "HTTP/1.1 200 OK\r\nMidair-Release: " + std::string(256, 'x') + "\r\n\r\n",
         })
      assert_fails(parse_http_head(head), Errc::corrupt, "cannot read the response");
  }

  void refuses_what_is_too_long() {
    const auto head_of = [](std::size_t size) {
      const std::string frame = "HTTP/1.1 200 OK\r\nA: \r\n\r\n";
      return "HTTP/1.1 200 OK\r\nA: " + std::string(size - frame.size(), 'x') + "\r\n\r\n";
    };
    CPPUNIT_ASSERT_EQUAL(200, value_of(parse_http_head(head_of(kMaxHttpHeadBytes))).status);
    assert_fails(parse_http_head(head_of(kMaxHttpHeadBytes + 1)), Errc::corrupt, "16 KiB");
  }

  void every_truncation_of_a_head_is_refused() {
    const std::string head = "HTTP/1.1 200 OK\r\nMidair-Release: v2\r\nServer: x\r\n\r\n";
    for (std::size_t size = 0; size < head.size(); ++size)
      assert_fails(parse_http_head(head.substr(0, size)), Errc::corrupt);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HttpHeadTest, "http_head");

}  // namespace midair::sidecar
