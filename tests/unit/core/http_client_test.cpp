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
  CPPUNIT_TEST(a_body_in_chunks_is_read_to_its_last_one);
  CPPUNIT_TEST(an_answer_that_ends_early_is_an_error);
  CPPUNIT_TEST(an_answer_whose_end_cannot_be_told_is_an_error);
  CPPUNIT_TEST(what_names_two_ends_is_the_last_answer_of_its_connection);
  CPPUNIT_TEST(a_large_answer_streams_into_a_sink);
  CPPUNIT_TEST(a_refusal_does_not_get_into_the_sink);
  CPPUNIT_TEST(an_error_of_the_sink_ends_the_call);
  CPPUNIT_TEST(a_body_streams_from_a_source_again_if_it_must);
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

  static Result<HttpAnswer> answer_to(const std::string& bytes) {
    ScriptedPeer peer({ScriptedPeer::raw(bytes, Then::close)});
    return send(*client_of(peer.endpoint()), {"GET", "/"});
  }
  static std::string chunked(const std::string& chunks) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
  }

  void a_body_in_chunks_is_read_to_its_last_one() {
    const std::string whole = chunked("3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\nTrailer: t\r\n\r\n");
    ScriptedPeer peer({ScriptedPeer::raw(whole, Then::keep), ScriptedPeer::answer("200 OK", "next")});
    const auto client = client_of(peer.endpoint());
    CPPUNIT_ASSERT_EQUAL(std::string("abcde"), value_of(send(*client, {"GET", "/"})).body);
    CPPUNIT_ASSERT_EQUAL(std::string("next"), value_of(send(*client, {"GET", "/"})).body);
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void an_answer_that_ends_early_is_an_error() {
    for (const std::string& bytes :
         {std::string("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), chunked(""), chunked("3\r\nab"),
          chunked("3\r\nabc"), chunked("3\r\nabc\r\n"), chunked("3\r\nabc\r\n0\r\n")}) {
      const auto answer = answer_to(bytes);
      CPPUNIT_ASSERT_MESSAGE(bytes, !answer.ok() && answer.error().code == Errc::unavailable);
    }
  }

  void an_answer_whose_end_cannot_be_told_is_an_error() {
    const auto with = [](const std::string& headers) { return "HTTP/1.1 200 OK\r\n" + headers + "\r\n\r\nabc"; };
    for (const std::string& bytes :
         {with("Content-Length: 3\r\nContent-Length: 2"), with("Content-Length: 3, 2"), with("Content-Length: -3"),
          with("Content-Length: 3x"), with("Content-Length: 99999999999999999999"), with("Transfer-Encoding: gzip"),
          with("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"), chunked("x\r\nabc\r\n0\r\n\r\n"),
          chunked("-3\r\nabc\r\n0\r\n\r\n"), chunked("2\r\nabc\r\n0\r\n\r\n"), chunked("10000000000000000\r\nabc")}) {
      ScriptedPeer peer({ScriptedPeer::raw(bytes, Then::keep)});
      const auto answer = send(*client_of(peer.endpoint()), {"GET", "/"});
      CPPUNIT_ASSERT_MESSAGE(bytes, !answer.ok() && answer.error().code == Errc::corrupt);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), value_of(answer_to(with("Content-Length: 3\r\nContent-Length: 3"))).body);
  }

  void what_names_two_ends_is_the_last_answer_of_its_connection() {
    ScriptedPeer peer({ScriptedPeer::raw("HTTP/1.1 200 OK\r\nContent-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "3\r\nabc\r\n0\r\n\r\n",
                                         Then::keep),
                       ScriptedPeer::answer("200 OK", "next")});
    const auto client = client_of(peer.endpoint());
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), value_of(send(*client, {"GET", "/"})).body);
    CPPUNIT_ASSERT_EQUAL(std::string("next"), value_of(send(*client, {"GET", "/"})).body);
    CPPUNIT_ASSERT_EQUAL(2, peer.connections());
  }

  static Result<HttpAnswer> send_to(ByteSink& sink, const ScriptedPeer& peer) {
    return client_of(peer.endpoint())
        ->send(HttpRequest{"GET", "/"}, sink, CallTimer({.deadline = std::chrono::seconds(30)}));
  }

  void a_large_answer_streams_into_a_sink() {
    const std::string large(1 << 20, 'x');
    ScriptedPeer peer({ScriptedPeer::answer("200 OK\r\nEtag: 1", large)});
    TextSink sink;
    const auto answer = value_of(send_to(sink, peer));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), answer.header("ETag"));
    CPPUNIT_ASSERT(answer.body.empty() && sink.text() == large);
  }

  void a_refusal_does_not_get_into_the_sink() {
    ScriptedPeer peer({ScriptedPeer::answer("404 No", "why")});
    TextSink sink;
    const auto answer = value_of(send_to(sink, peer));
    CPPUNIT_ASSERT_EQUAL(404, answer.status);
    CPPUNIT_ASSERT_EQUAL(std::string("why"), answer.body);
    CPPUNIT_ASSERT(sink.text().empty());
  }

  void an_error_of_the_sink_ends_the_call() {
    class FullSink final : public ByteSink {
     public:
      Result<void> write(std::string_view /*bytes*/) override { return Error{Errc::no_space, "write", "x", "full"}; }
      Result<void> restart() override { return {}; }
    } sink;
    ScriptedPeer peer({ScriptedPeer::answer("200 OK", "text")});
    CPPUNIT_ASSERT(send_to(sink, peer).error().code == Errc::no_space);
  }

  void a_body_streams_from_a_source_again_if_it_must() {
    ScriptedPeer peer(
        {ScriptedPeer::answer("200 OK"), ScriptedPeer::raw("", Then::close), ScriptedPeer::answer("200 OK")});
    const auto client = client_of(peer.endpoint());
    CPPUNIT_ASSERT(send(*client, {"GET", "/"}).ok());
    TextSource source("0123456789");
    HttpRequest put{"PUT", "/"};
    put.stream = {&source, 2, 5};
    CPPUNIT_ASSERT(send(*client, put).ok());
    CPPUNIT_ASSERT_EQUAL(std::string("23456"), peer.requests().at(2).body);
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
    for (const char* address : {"http://[::1", "http://[]", "http://[::1]x", "http://[x:y]", "http://::1"})
      CPPUNIT_ASSERT_MESSAGE(address, HttpClient::open(address, "").error().code == Errc::bad_input);
    CPPUNIT_ASSERT_EQUAL(std::string("http://[::1]:8080"), client_of("http://[::1]:8080/")->name());
    CPPUNIT_ASSERT_EQUAL(std::string("https://api.machines.dev"), client_of("https://api.machines.dev/")->name());
    CPPUNIT_ASSERT(!HttpClient::open("https://api.machines.dev", "/nowhere.pem").ok());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HttpClientTest, "http_client");

}  // namespace midair
