#include "midair/net/http_client.h"

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <cppunit/extensions/HelperMacros.h>

#include <thread>

#include "result_asserts.h"
#include "scripted_peer.h"
#include "temp_dir.h"

namespace midair {

class HttpClientTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HttpClientTest);
  CPPUNIT_TEST(an_answer_of_any_status_is_an_answer);
  CPPUNIT_TEST(one_connection_serves_many_exchanges);
  CPPUNIT_TEST(a_request_is_sent_again_only_if_it_may_be);
  CPPUNIT_TEST(an_answer_may_be_awaited_longer_or_shorter);
  CPPUNIT_TEST(retry_after_is_read_in_both_forms);
  CPPUNIT_TEST(too_long_an_answer_is_refused);
  CPPUNIT_TEST(a_unix_socket_serves_too);
  CPPUNIT_TEST(addresses_are_checked);
  CPPUNIT_TEST_SUITE_END();

  using Then = ScriptedPeer::Then;

  static std::unique_ptr<HttpClient> client_of(const std::string& address) {
    return value_of(HttpClient::open(address, ""));
  }
  static Result<HttpAnswer> send(const HttpClient& client, const HttpRequest& request) {
    const CallTimer timer({.deadline = std::chrono::seconds(30)});
    return client.send(request, 100, timer);
  }

  void an_answer_of_any_status_is_an_answer() {
    ScriptedPeer peer({ScriptedPeer::answer("418 No\r\nFly-Request-Id: 01X", "body")});
    const auto client = client_of(peer.endpoint() + "/base/");
    const auto answer = value_of(send(*client, {"POST", "/v1/x?y=1", {{"Authorization", "Bearer t"}}, "{}"}));
    CPPUNIT_ASSERT_EQUAL(418, answer.status);
    CPPUNIT_ASSERT_EQUAL(std::string("body"), answer.body);
    CPPUNIT_ASSERT_EQUAL(std::string("01X"), answer.header("fly-request-id"));
    const auto request = peer.requests().at(0);
    CPPUNIT_ASSERT_EQUAL(std::string("/base/v1/x?y=1"), request.uri);
    CPPUNIT_ASSERT_EQUAL(std::string("{}"), request.body);
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer t"), request.headers.at("authorization"));
  }

  void one_connection_serves_many_exchanges() {
    ScriptedPeer peer({ScriptedPeer::answer("200 OK", "1"), ScriptedPeer::answer("200 OK", "2")});
    const auto client = client_of(peer.endpoint());
    for (const char* expected : {"1", "2"})
      CPPUNIT_ASSERT_EQUAL(std::string(expected), value_of(send(*client, {"GET", "/"})).body);
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void a_request_is_sent_again_only_if_it_may_be() {
    ScriptedPeer peer({ScriptedPeer::answer("200 OK", "1"), ScriptedPeer::raw("", Then::close),
                       ScriptedPeer::answer("200 OK", "2", Then::close), ScriptedPeer::raw("", Then::close)});
    const auto client = client_of(peer.endpoint());
    CPPUNIT_ASSERT(send(*client, {"GET", "/"}).ok());
    CPPUNIT_ASSERT(send(*client, {"POST", "/", {}, "x"}).ok());
    CPPUNIT_ASSERT(send(*client, {"POST", "/", {}, "x", false}).error().code == Errc::unavailable);
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, peer.requests().size());
  }

  void an_answer_may_be_awaited_longer_or_shorter() {
    ScriptedPeer peer({ScriptedPeer::hang()});
    HttpRequest request{"GET", "/"};
    request.patience = std::chrono::milliseconds(50);
    bool reached = false;
    const auto answer =
        client_of(peer.endpoint())->send(request, 100, CallTimer({.deadline = std::chrono::seconds(30)}), &reached);
    CPPUNIT_ASSERT(answer.error().code == Errc::timeout && reached);
    CPPUNIT_ASSERT(answer.error().cause.find("no answer within 50ms") != std::string::npos);
  }

  void retry_after_is_read_in_both_forms() {
    HttpAnswer answer;
    CPPUNIT_ASSERT(!answer.retry_after());
    answer.headers["retry-after"] = "7";
    CPPUNIT_ASSERT(answer.retry_after() == std::chrono::seconds(7));
    answer.headers["retry-after"] = "Fri, 20 Nov 2020 22:24:41 GMT";
    CPPUNIT_ASSERT(answer.retry_after() == std::chrono::milliseconds(0));
  }

  void too_long_an_answer_is_refused() {
    ScriptedPeer peer({ScriptedPeer::answer("200 OK", std::string(101, 'x'))});
    CPPUNIT_ASSERT(send(*client_of(peer.endpoint()), {"GET", "/"}).error().code == Errc::corrupt);
  }

  void a_unix_socket_serves_too() {
    const TempDir dir;
    const std::string path = dir.path() / "api";
    Poco::Net::ServerSocket listener(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, path));
    std::string seen;
    std::thread server([&] {
      auto socket = listener.acceptConnection();
      char buffer[1024];
      while (seen.find("\r\n\r\n") == std::string::npos) {
        const int n = socket.receiveBytes(buffer, sizeof buffer);
        if (n <= 0) return;
        seen.append(buffer, static_cast<std::size_t>(n));
      }
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      socket.sendBytes(answer.data(), static_cast<int>(answer.size()));
    });
    const auto answer = send(*client_of("unix://" + path), {"GET", "/v1/apps"});
    server.join();
    CPPUNIT_ASSERT_EQUAL(std::string("ok"), value_of(answer).body);
    CPPUNIT_ASSERT(seen.starts_with("GET /v1/apps HTTP/1.1\r\n") && seen.find("Host: localhost\r\n") != seen.npos);
  }

  void addresses_are_checked() {
    for (const char* address : {"", "api.machines.dev", "ftp://x", "unix://relative", "https://user@host"})
      CPPUNIT_ASSERT_MESSAGE(address, HttpClient::open(address, "").error().code == Errc::bad_input);
    CPPUNIT_ASSERT_EQUAL(std::string("https://api.machines.dev"), client_of("https://api.machines.dev/")->name());
    CPPUNIT_ASSERT(!HttpClient::open("https://api.machines.dev", "/nowhere.pem").ok());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HttpClientTest, "http_client");

}  // namespace midair
