#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <thread>

#include "midair/store/s3_object_store.h"
#include "net/http_date.h"
#include "object_store_conformance.h"
#include "scripted_peer.h"

namespace midair {

namespace {

using Then = ScriptedPeer::Then;
using std::chrono::milliseconds;

const CallLimits kLimits{std::chrono::seconds(20)};
const std::string kOk = "200 OK\r\nETag: \"v1\"";
const std::string kVersion = "\"v1\"";
const std::string kSecret = "do-not-tell-anybody";

std::string fault(const std::string& code) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>m</Message></Error>";
}

class CountingSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  Result<void> restart() override {
    text.clear();
    ++restarts;
    return {};
  }
  std::string text;
  int restarts = 0;
};

milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

/// How the S3 store fares with servers and networks that misbehave.
class S3WeatherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(S3WeatherTest);
  CPPUNIT_TEST(waits_as_long_as_a_throttling_server_asks);
  CPPUNIT_TEST(hands_on_a_retry_after_that_the_deadline_does_not_allow);
  CPPUNIT_TEST(tries_again_after_5xx_and_resets);
  CPPUNIT_TEST(never_repeats_what_was_refused);
  CPPUNIT_TEST(goes_on_at_the_byte_where_a_reset_cut_it_off);
  CPPUNIT_TEST(goes_on_where_a_connection_was_closed_early);
  CPPUNIT_TEST(starts_over_where_ranges_are_ignored);
  CPPUNIT_TEST(starts_over_where_the_object_changed_meanwhile);
  CPPUNIT_TEST(starts_over_after_a_range_of_something_else);
  CPPUNIT_TEST(refuses_an_object_of_unknown_or_excessive_length);
  CPPUNIT_TEST(refuses_an_object_of_two_lengths);
  CPPUNIT_TEST(a_listing_that_ends_early_is_asked_for_again);
  CPPUNIT_TEST(tells_html_from_objects_and_listings);
  CPPUNIT_TEST(a_foreign_404_is_no_missing_object);
  CPPUNIT_TEST(an_answer_that_is_not_http_is_an_error);
  CPPUNIT_TEST(trickling_headers_do_not_outlast_the_deadline);
  CPPUNIT_TEST(a_trickling_body_does_not_outlast_the_deadline);
  CPPUNIT_TEST(silence_does_not_outlast_the_deadline);
  CPPUNIT_TEST(a_stop_request_ends_a_blocked_call);
  CPPUNIT_TEST(a_stop_request_ends_a_pause_between_tries);
  CPPUNIT_TEST(a_clock_that_is_off_is_corrected_for_signing);
  CPPUNIT_TEST(a_304_without_etag_keeps_the_one_asked_for);
  CPPUNIT_TEST(a_304_that_was_not_asked_for_is_an_error);
  CPPUNIT_TEST(polls_on_one_connection);
  CPPUNIT_TEST(a_connection_that_went_stale_is_replaced_unnoticed);
  CPPUNIT_TEST(a_connection_with_more_than_was_announced_is_not_used_again);
  CPPUNIT_TEST(a_conditional_write_of_unknown_outcome_is_a_lost_race);
  CPPUNIT_TEST(a_conditional_write_that_was_throttled_is_repeated);
  CPPUNIT_TEST(an_unreachable_server_is_no_lost_race);
  CPPUNIT_TEST(a_redirect_is_explained_and_not_followed);
  CPPUNIT_TEST(an_early_refusal_of_a_large_body_is_understood);
  CPPUNIT_TEST(a_failed_multipart_upload_is_aborted);
  CPPUNIT_TEST(a_completion_can_fail_with_status_200);
  CPPUNIT_TEST(saying_what_is_stored_is_no_condition);
  CPPUNIT_TEST(signs_only_host_and_amz_headers);
  CPPUNIT_TEST_SUITE_END();

  static std::unique_ptr<S3ObjectStore> open(const std::string& endpoint) {
    StoreSettings settings;
    settings.address = "s3://bucket";
    settings.endpoint = endpoint;
    settings.access_key_id = "key-id";
    settings.secret_access_key = Secret(kSecret);
    settings.session_token = Secret("session-token");
    auto store = S3ObjectStore::open(settings);
    CPPUNIT_ASSERT_MESSAGE(store.ok() ? "" : store.error().to_string(), store.ok());
    return std::move(*store);
  }

  static Result<TextObject> read(const ScriptedPeer& peer, const CallLimits& limits = kLimits) {
    return get_text(*open(peer.endpoint()), "key", 100, limits);
  }

  template <class T>
  static void expect(Errc code, const Result<T>& result) {
    CPPUNIT_ASSERT_MESSAGE("success", !result.ok());
    CPPUNIT_ASSERT_EQUAL_MESSAGE(result.error().to_string(), std::string(to_string(code)),
                                 std::string(to_string(result.error().code)));
    CPPUNIT_ASSERT(result.error().to_string().find(kSecret) == std::string::npos);
    CPPUNIT_ASSERT(result.error().to_string().find("session-token") == std::string::npos);
  }

  void waits_as_long_as_a_throttling_server_asks() {
    for (const char* status : {"503 Slow\r\nRetry-After: 1", "429 Slow\r\nRetry-After: 1"}) {
      ScriptedPeer peer({ScriptedPeer::answer(status, fault("SlowDown")), ScriptedPeer::answer(kOk, "text")});
      const auto start = std::chrono::steady_clock::now();
      CPPUNIT_ASSERT_EQUAL(std::string("text"), read(peer)->text);
      CPPUNIT_ASSERT(since(start) >= milliseconds(1000));
    }
  }

  void hands_on_a_retry_after_that_the_deadline_does_not_allow() {
    ScriptedPeer peer({ScriptedPeer::answer("503 Slow\r\nRetry-After: 60", fault("SlowDown"))});
    const auto start = std::chrono::steady_clock::now();
    const auto answer = read(peer);
    expect(Errc::throttled, answer);
    CPPUNIT_ASSERT(answer.error().retry_after == std::chrono::seconds(60));
    CPPUNIT_ASSERT(since(start) < milliseconds(5000));
  }

  void tries_again_after_5xx_and_resets() {
    ScriptedPeer peer({ScriptedPeer::answer("500 Oops"), ScriptedPeer::raw("", Then::reset),
                       ScriptedPeer::answer("502 Bad Gateway", "<html>"), ScriptedPeer::raw("HTTP/1.1 2", Then::close),
                       ScriptedPeer::answer(kOk, "text")});
    CPPUNIT_ASSERT_EQUAL(std::string("text"), read(peer)->text);
    CPPUNIT_ASSERT_EQUAL(std::size_t{5}, peer.requests().size());
  }

  void never_repeats_what_was_refused() {
    const std::vector<std::pair<std::string, Errc>> refusals{{"400 Bad", Errc::bad_input},
                                                             {"401 No", Errc::denied},
                                                             {"403 No", Errc::denied},
                                                             {"405 No", Errc::bad_input},
                                                             {"501 Not Implemented", Errc::refused}};
    for (const auto& [status, code] : refusals) {
      ScriptedPeer peer({ScriptedPeer::answer(status)});
      expect(code, read(peer));
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, peer.requests().size());
    }
  }

  static ScriptedPeer::Script cut(const std::string& sent, Then then) {
    return ScriptedPeer::raw("HTTP/1.1 " + kOk + "\r\nContent-Length: 10\r\n\r\n" + sent, then);
  }

  static void resumes(Then then) {
    ScriptedPeer peer({cut("0123", then),
                       ScriptedPeer::raw("HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n"
                                         "Content-Length: 6\r\n\r\n45",
                                         then),
                       ScriptedPeer::answer("206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 6-9/10", "6789")});
    CountingSink sink;
    GetRequest request;
    request.key = "key";
    request.max_size = 10;
    const auto answer = open(peer.endpoint())->get(request, sink, kLimits);
    CPPUNIT_ASSERT_MESSAGE(answer.ok() ? "" : answer.error().to_string(), answer.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), sink.text);
    CPPUNIT_ASSERT_EQUAL(0, sink.restarts);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, answer->size);
    const auto requests = peer.requests();
    CPPUNIT_ASSERT_EQUAL(std::string("bytes=4-"), requests.at(1).headers.at("range"));
    CPPUNIT_ASSERT_EQUAL(kVersion, requests.at(1).headers.at("if-match"));
    CPPUNIT_ASSERT_EQUAL(std::string("bytes=6-"), requests.at(2).headers.at("range"));
  }

  // A reset may overtake the bytes before it, so the peer lets the client take them first.
  void goes_on_at_the_byte_where_a_reset_cut_it_off() {
    const auto cut_and_reset = [](Poco::Net::StreamSocket& socket, const PeerRequest&) {
      const std::string bytes = "HTTP/1.1 " + kOk + "\r\nContent-Length: 100000\r\n\r\n" + std::string(50'000, 'a');
      socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
      return Then::reset;
    };
    const auto rest = [](Poco::Net::StreamSocket& socket, const PeerRequest& request) {
      const auto range = request.headers.find("range");
      const std::size_t start = range == request.headers.end() ? 0 : std::stoul(range->second.substr(6));
      const std::string body(100'000 - start, 'a');
      const std::string head = start == 0 ? "HTTP/1.1 " + kOk
                                          : "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes " +
                                                std::to_string(start) + "-99999/100000";
      const std::string bytes = head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      for (std::size_t sent = 0; sent < bytes.size();)
        sent += static_cast<std::size_t>(socket.sendBytes(bytes.data() + sent, static_cast<int>(bytes.size() - sent)));
      return Then::keep;
    };
    ScriptedPeer peer({cut_and_reset, rest});
    CountingSink sink;
    GetRequest request;
    request.key = "key";
    request.max_size = 100'000;
    CPPUNIT_ASSERT(open(peer.endpoint())->get(request, sink, kLimits).ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{100'000}, sink.text.size());
    CPPUNIT_ASSERT_EQUAL(0, sink.restarts);
  }

  void goes_on_where_a_connection_was_closed_early() { resumes(Then::close); }

  void starts_over_where_ranges_are_ignored() {
    ScriptedPeer peer({cut("0123", Then::close), ScriptedPeer::answer(kOk, "0123456789")});
    CPPUNIT_ASSERT_EQUAL(std::string("0123456789"), read(peer)->text);
  }

  void starts_over_where_the_object_changed_meanwhile() {
    ScriptedPeer peer({cut("0123", Then::close), ScriptedPeer::answer("412 Changed", fault("PreconditionFailed")),
                       ScriptedPeer::answer("200 OK\r\nETag: W/\"v2\"", "other")});
    const auto answer = read(peer);
    CPPUNIT_ASSERT_EQUAL(std::string("other"), answer->text);
    CPPUNIT_ASSERT_EQUAL(std::string("\"v2\""), answer->etag);
    CPPUNIT_ASSERT(peer.requests().at(2).headers.count("range") == 0);
  }

  void starts_over_after_a_range_of_something_else() {
    for (const char* head : {"206 Partial\r\nETag: \"v2\"\r\nContent-Range: bytes 4-9/10",
                             "206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 0-5/10"}) {
      ScriptedPeer peer({cut("0123", Then::close), ScriptedPeer::answer(head, "xxxxxx"),
                         ScriptedPeer::answer("200 OK\r\nETag: \"v2\"", "abcdefghij")});
      CPPUNIT_ASSERT_EQUAL(std::string("abcdefghij"), read(peer)->text);
    }
  }

  void refuses_an_object_of_unknown_or_excessive_length() {
    for (const std::string& head :
         {std::string("\r\n\r\n"), std::string("\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
          std::string("\r\nContent-Length: 101\r\n\r\n"), std::string("\r\nContent-Length: -5\r\n\r\n"),
          std::string("\r\nContent-Length: 99999999999999999999\r\n\r\n"),
          std::string("\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")}) {
      std::string bytes = "HTTP/1.1 ";
      bytes.append(kOk).append(head);
      ScriptedPeer peer({ScriptedPeer::raw(bytes, Then::close)});
      expect(Errc::corrupt, read(peer));
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, peer.requests().size());
    }
  }

  void tells_html_from_objects_and_listings() {
    const std::string page = "<!DOCTYPE html><html><body>Please log in</body></html>";
    ScriptedPeer peer({ScriptedPeer::answer("200 OK\r\nContent-Type: text/html", page),
                       ScriptedPeer::answer("200 OK\r\nContent-Type: text/html", page),
                       ScriptedPeer::answer("200 OK\r\nContent-Type: text/html", page),
                       ScriptedPeer::answer("200 OK\r\nContent-Type: text/html", page)});
    const auto store = open(peer.endpoint());
    expect(Errc::corrupt, get_text(*store, "key", 1000, kLimits));
    const auto listing = store->list("", kLimits);
    expect(Errc::corrupt, listing);
    CPPUNIT_ASSERT(listing.error().cause.find("HTML") != std::string::npos);
    expect(Errc::corrupt, store->head("key", kLimits));
    expect(Errc::corrupt, put_text(*store, "key", "x", PutCondition::none(), kLimits));
  }

  void a_foreign_404_is_no_missing_object() {
    ScriptedPeer peer({ScriptedPeer::answer("404 Not Found", "<html>nginx</html>"),
                       ScriptedPeer::answer("404 Not Found", fault("NoSuchKey")),
                       ScriptedPeer::answer("404 Not Found", fault("NoSuchBucket"))});
    expect(Errc::corrupt, read(peer));
    expect(Errc::not_found, read(peer));
    expect(Errc::bad_input, read(peer));
  }

  void an_answer_that_is_not_http_is_an_error() {
    for (const std::string& bytes :
         {std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("\0\1\2\3", 4),
          "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), std::string("HTTP/1.1 abc\r\n\r\n")}) {
      std::vector<ScriptedPeer::Script> scripts(10, ScriptedPeer::raw(bytes, Then::close));
      ScriptedPeer peer(scripts);
      const auto answer = read(peer, {std::chrono::seconds(2)});
      CPPUNIT_ASSERT_MESSAGE(bytes, !answer.ok());
    }
  }

  void refuses_an_object_of_two_lengths() {
    ScriptedPeer peer(
        {ScriptedPeer::raw("HTTP/1.1 " + kOk + "\r\nContent-Length: 4\r\nContent-Length: 2\r\n\r\ntext", Then::keep)});
    expect(Errc::corrupt, read(peer));
  }

  void a_listing_that_ends_early_is_asked_for_again() {
    const std::string page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    ScriptedPeer peer({ScriptedPeer::raw(head + "45\r\n" + page + "\r\n", Then::close),
                       ScriptedPeer::raw(head + "45\r\n" + page + "\r\n0\r\n\r\n", Then::keep)});
    CPPUNIT_ASSERT_EQUAL(std::size_t{69}, page.size());
    CPPUNIT_ASSERT(open(peer.endpoint())->list("", kLimits).ok());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, peer.requests().size());
  }

  static void ends_in_time(const ScriptedPeer::Script& script) {
    ScriptedPeer peer(std::vector<ScriptedPeer::Script>(3, script));
    const auto start = std::chrono::steady_clock::now();
    expect(Errc::timeout, read(peer, {milliseconds(400)}));
    CPPUNIT_ASSERT(since(start) >= milliseconds(390));
    CPPUNIT_ASSERT(since(start) < milliseconds(2000));
  }

  void trickling_headers_do_not_outlast_the_deadline() {
    ends_in_time(ScriptedPeer::trickle("HTTP/1.1 200 OK\r\nX-Slow: ", 'x'));
  }
  void a_trickling_body_does_not_outlast_the_deadline() {
    ends_in_time(ScriptedPeer::trickle("HTTP/1.1 " + kOk + "\r\nContent-Length: 100\r\n\r\n", 'x'));
  }
  void silence_does_not_outlast_the_deadline() { ends_in_time(ScriptedPeer::hang()); }

  void a_stop_request_ends_a_blocked_call() {
    ScriptedPeer peer({ScriptedPeer::hang()});
    std::stop_source stop;
    std::jthread stopper([&] {
      peer.await_request(1);
      stop.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    expect(Errc::cancelled, read(peer, {std::chrono::seconds(20), stop.get_token()}));
    CPPUNIT_ASSERT(since(start) < milliseconds(5000));
  }

  void a_stop_request_ends_a_pause_between_tries() {
    ScriptedPeer peer({ScriptedPeer::answer("503 Slow\r\nRetry-After: 15", fault("SlowDown"))});
    std::stop_source stop;
    std::jthread stopper([&] {
      peer.await_request(1);
      stop.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    expect(Errc::cancelled, read(peer, {std::chrono::seconds(20), stop.get_token()}));
    CPPUNIT_ASSERT(since(start) < milliseconds(5000));
  }

  void a_clock_that_is_off_is_corrected_for_signing() {
    const std::string later = "Date: Fri, 20 Nov 2099 22:24:41 GMT";
    ScriptedPeer peer({ScriptedPeer::answer("403 No\r\n" + later, fault("RequestTimeTooSkewed")),
                       ScriptedPeer::answer(kOk + "\r\n" + later, "text"),
                       ScriptedPeer::answer("403 No\r\n" + later, fault("AccessDenied"))});
    const auto store = open(peer.endpoint());
    CPPUNIT_ASSERT_EQUAL(std::string("text"), get_text(*store, "key", 100, kLimits)->text);
    expect(Errc::denied, get_text(*store, "key", 100, kLimits));
    const auto requests = peer.requests();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, requests.size());
    CPPUNIT_ASSERT(requests[0].headers.at("x-amz-date") < "2090");
    CPPUNIT_ASSERT_EQUAL(std::string("20991120T22"), requests[1].headers.at("x-amz-date").substr(0, 11));
    CPPUNIT_ASSERT_EQUAL(std::string("20991120T22"), requests[2].headers.at("x-amz-date").substr(0, 11));
  }

  void a_304_without_etag_keeps_the_one_asked_for() {
    ScriptedPeer peer({ScriptedPeer::raw("HTTP/1.1 304 Not Modified\r\n\r\n", Then::keep)});
    GetRequest request;
    request.key = "key";
    request.if_none_match = kVersion;
    CountingSink sink;
    const auto answer = open(peer.endpoint())->get(request, sink, kLimits);
    CPPUNIT_ASSERT(answer.ok() && answer->not_modified);
    CPPUNIT_ASSERT_EQUAL(kVersion, answer->etag);
    CPPUNIT_ASSERT_EQUAL(kVersion, peer.requests().at(0).headers.at("if-none-match"));
  }

  void a_304_that_was_not_asked_for_is_an_error() {
    ScriptedPeer peer({ScriptedPeer::raw("HTTP/1.1 304 Not Modified\r\n\r\n", Then::keep)});
    expect(Errc::corrupt, read(peer, kLimits));
  }

  void polls_on_one_connection() {
    std::vector<ScriptedPeer::Script> scripts(20, ScriptedPeer::raw("HTTP/1.1 304 Not Modified\r\n\r\n", Then::keep));
    ScriptedPeer peer(scripts);
    const auto store = open(peer.endpoint());
    GetRequest request;
    request.key = "key";
    request.if_none_match = kVersion;
    CountingSink sink;
    for (int i = 0; i < 20; ++i) CPPUNIT_ASSERT(store->get(request, sink, kLimits)->not_modified);
    CPPUNIT_ASSERT_EQUAL(1, peer.connections());
  }

  void a_connection_that_went_stale_is_replaced_unnoticed() {
    ScriptedPeer peer({ScriptedPeer::answer(kOk, "one"), ScriptedPeer::raw("", Then::close),
                       ScriptedPeer::answer(kOk, "two", Then::close), ScriptedPeer::answer(kOk, "three")});
    const auto store = open(peer.endpoint());
    CPPUNIT_ASSERT_EQUAL(std::string("one"), get_text(*store, "key", 100, kLimits)->text);
    CPPUNIT_ASSERT_EQUAL(std::string("two"), get_text(*store, "key", 100, kLimits)->text);
    CPPUNIT_ASSERT_EQUAL(std::string("three"), get_text(*store, "key", 100, kLimits)->text);
    CPPUNIT_ASSERT_EQUAL(3, peer.connections());
  }

  void a_connection_with_more_than_was_announced_is_not_used_again() {
    ScriptedPeer peer({ScriptedPeer::raw("HTTP/1.1 " + kOk + "\r\nContent-Length: 3\r\n\r\none" + "HTTP/1.1 " + kOk +
                                             "\r\nContent-Length: 5\r\n\r\nforge",
                                         Then::keep),
                       ScriptedPeer::answer(kOk, "two")});
    const auto store = open(peer.endpoint());
    CPPUNIT_ASSERT_EQUAL(std::string("one"), get_text(*store, "key", 100, kLimits)->text);
    CPPUNIT_ASSERT_EQUAL(std::string("two"), get_text(*store, "key", 100, kLimits)->text);
  }

  void a_conditional_write_of_unknown_outcome_is_a_lost_race() {
    for (const auto& script :
         {ScriptedPeer::answer("500 Oops", fault("InternalError")), ScriptedPeer::answer("409 Conflict"),
          ScriptedPeer::answer("412 No"), ScriptedPeer::answer("404 Not Found", fault("NoSuchKey")),
          ScriptedPeer::raw("", Then::reset), ScriptedPeer::raw("HTTP/1.1 200", Then::close)}) {
      ScriptedPeer peer({script});
      const auto store = open(peer.endpoint());
      expect(Errc::precondition, put_text(*store, "key", "x", PutCondition::if_match(kVersion), kLimits));
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, peer.requests().size());
      CPPUNIT_ASSERT_EQUAL(kVersion, peer.requests()[0].headers.at("if-match"));
    }
    ScriptedPeer peer({ScriptedPeer::hang()});
    expect(Errc::precondition,
           put_text(*open(peer.endpoint()), "key", "x", PutCondition::if_absent(), {milliseconds(300)}));
  }

  void a_conditional_write_that_was_throttled_is_repeated() {
    ScriptedPeer peer({ScriptedPeer::answer("503 Slow", fault("SlowDown")), ScriptedPeer::answer(kOk)});
    const auto stored = put_text(*open(peer.endpoint()), "key", "x", PutCondition::if_absent(), kLimits);
    CPPUNIT_ASSERT(stored.ok());
    CPPUNIT_ASSERT_EQUAL(std::string("*"), peer.requests().at(1).headers.at("if-none-match"));
    CPPUNIT_ASSERT_EQUAL(std::string("x"), peer.requests().at(1).body);
  }

  void an_unreachable_server_is_no_lost_race() {
    std::string endpoint;
    { endpoint = ScriptedPeer({}).endpoint(); }
    expect(Errc::unavailable,
           put_text(*open(endpoint), "key", "x", PutCondition::if_absent(), {std::chrono::seconds(1)}));
  }

  void a_redirect_is_explained_and_not_followed() {
    ScriptedPeer elsewhere({});
    ScriptedPeer peer({ScriptedPeer::answer("301 Moved\r\nx-amz-bucket-region: eu-west-1\r\nLocation: " +
                                                elsewhere.endpoint() + "/bucket/key",
                                            fault("PermanentRedirect")),
                       ScriptedPeer::answer("307 Moved\r\nLocation: " + elsewhere.endpoint() + "/bucket/key")});
    const auto answer = read(peer);
    expect(Errc::bad_input, answer);
    CPPUNIT_ASSERT(answer.error().hint.find("AWS_REGION to eu-west-1") != std::string::npos);
    expect(Errc::bad_input, read(peer));
    CPPUNIT_ASSERT_EQUAL(0, elsewhere.connections());
  }

  void an_early_refusal_of_a_large_body_is_understood() {
    // The peer reads all of a body before it answers, so a raw one stands in: it answers the head and closes.
    Poco::Net::ServerSocket listener(Poco::Net::SocketAddress("127.0.0.1", 0));
    std::jthread server([&] {
      Poco::Net::StreamSocket socket = listener.acceptConnection();
      char head[4096];
      socket.receiveBytes(head, sizeof head);
      const std::string answer = "HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      socket.sendBytes(answer.data(), static_cast<int>(answer.size()));
      socket.shutdownSend();
      while (socket.receiveBytes(head, sizeof head) > 0) continue;
    });
    PatternSource source(8 << 20, 1);
    const auto store = open("http://127.0.0.1:" + std::to_string(listener.address().port()));
    expect(Errc::denied, store->put("key", source, PutCondition::none(), kLimits));
  }

  static ScriptedPeer::Script begin_upload() {
    return ScriptedPeer::answer(
        "200 OK", "<InitiateMultipartUploadResult><UploadId>u+1</UploadId></InitiateMultipartUploadResult>");
  }

  void a_failed_multipart_upload_is_aborted() {
    ScriptedPeer peer({begin_upload(), ScriptedPeer::answer(kOk), ScriptedPeer::answer("403 No"),
                       ScriptedPeer::answer("204 No Content")});
    PatternSource source((16 << 20) + 1, 1);
    expect(Errc::denied, open(peer.endpoint())->put("key", source, PutCondition::none(), kLimits));
    const auto requests = peer.requests();
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, requests.size());
    CPPUNIT_ASSERT_EQUAL(std::string("/bucket/key?partNumber=2&uploadId=u%2B1"), requests[2].uri);
    CPPUNIT_ASSERT_EQUAL(std::string("DELETE /bucket/key?uploadId=u%2B1"), requests[3].method + " " + requests[3].uri);
  }

  void a_completion_can_fail_with_status_200() {
    ScriptedPeer peer({ScriptedPeer::answer("404 Not Found"), begin_upload(), ScriptedPeer::answer(kOk),
                       ScriptedPeer::answer(kOk), ScriptedPeer::answer("404 Not Found"),
                       ScriptedPeer::answer("200 OK", "\n \n" + fault("InternalError").substr(21)),
                       ScriptedPeer::answer("204 No Content")});
    PatternSource source((16 << 20) + 1, 1);
    expect(Errc::precondition, open(peer.endpoint())->put("key", source, PutCondition::if_absent(), kLimits));
    const auto requests = peer.requests();
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, requests.size());
    CPPUNIT_ASSERT_EQUAL(std::string("*"), requests[5].headers.at("if-none-match"));
    CPPUNIT_ASSERT_EQUAL(std::string("DELETE"), requests[6].method);
  }

  void saying_what_is_stored_is_no_condition() {
    ScriptedPeer peer(
        {ScriptedPeer::answer("500 Oops"), ScriptedPeer::answer("409 Conflict"), ScriptedPeer::answer(kOk)});
    const auto store = open(peer.endpoint());
    CPPUNIT_ASSERT(put_text(*store, "a.json", "{}", PutCondition::none(), kLimits).ok());
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), peer.requests().at(2).headers.at("content-type"));
  }

  void signs_only_host_and_amz_headers() {
    ScriptedPeer peer({ScriptedPeer::answer(kOk)});
    CPPUNIT_ASSERT(put_text(*open(peer.endpoint()), "a+b@c", "x", PutCondition::if_match(kVersion), kLimits).ok());
    const auto request = peer.requests().at(0);
    CPPUNIT_ASSERT_EQUAL(std::string("/bucket/a%2Bb%40c"), request.uri);
    CPPUNIT_ASSERT_EQUAL(std::string("true"), request.headers.at("x-tigris-consistent"));
    CPPUNIT_ASSERT_EQUAL(std::string("session-token"), request.headers.at("x-amz-security-token"));
    CPPUNIT_ASSERT_EQUAL(sha256_hex("x"), request.headers.at("x-amz-content-sha256"));
    CPPUNIT_ASSERT(request.headers.at("authorization")
                       .find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,") !=
                   std::string::npos);
    for (const auto& [name, value] : request.headers) CPPUNIT_ASSERT(value.find(kSecret) == std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(S3WeatherTest, "s3_weather");

}  // namespace midair
