#include "protocol/app_channel.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "midair/durable_file.h"
#include "result_asserts.h"

namespace midair::sidecar {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// The channel on one end of a socket pair; the test is the app on the other.
class AppChannelTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AppChannelTest);
  CPPUNIT_TEST(a_hello_is_welcomed);
  CPPUNIT_TEST(a_hello_of_another_version_is_refused_and_the_connection_closed);
  CPPUNIT_TEST(whoever_begins_otherwise_is_cut_off);
  CPPUNIT_TEST(a_request_is_answered);
  CPPUNIT_TEST(ids_grow);
  CPPUNIT_TEST(a_refusal_is_an_error);
  CPPUNIT_TEST(a_request_before_the_hello_fails);
  CPPUNIT_TEST(a_second_request_at_once_fails_but_abort_overtakes);
  CPPUNIT_TEST(an_answer_in_pieces_and_two_in_one_are_read);
  CPPUNIT_TEST(a_deadline_fails_the_request_and_its_late_answer_is_ignored);
  CPPUNIT_TEST(answers_nobody_waits_for_are_ignored);
  CPPUNIT_TEST(the_longest_line_is_read_and_a_longer_one_closes);
  CPPUNIT_TEST(a_line_that_is_no_answer_closes);
  CPPUNIT_TEST(the_end_of_the_connection_fails_every_open_request_once);
  CPPUNIT_TEST(a_request_after_the_end_fails);
  CPPUNIT_TEST(a_request_after_the_end_is_answered_before_the_process_is_forgotten);
  CPPUNIT_TEST(an_app_that_does_not_read_is_cut_off);
  CPPUNIT_TEST(a_callback_may_ask_the_next_and_may_close);
  CPPUNIT_TEST(a_flood_of_answers_is_taken_in_portions);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  Fd app_;
  std::unique_ptr<AppChannel> channel_;
  int hellos_ = 0;
  std::vector<std::string> ends_;  ///< what on_closed was told

 public:
  void setUp() override {
    std::array<int, 2> ends{};
    CPPUNIT_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    app_ = Fd(ends[0]);
    const timeval limit{20, 0};
    ::setsockopt(app_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    channel_ = std::make_unique<AppChannel>(
        *loop_, Fd(ends[1]), Welcome{3, "", true},
        AppChannel::Events{[this] { ++hellos_; }, [this](const std::string& why) { ends_.push_back(why); }});
  }

 private:
  /// Lets the loop take what is there now, and fire what is due.
  void pump() {
    const auto soon = loop_->after({}, [this] { loop_->quit(); });
    loop_->run();
  }
  void run_until(const bool& done) {
    const auto watchdog = loop_->after(seconds(20), [this] { loop_->quit(); });
    const auto look = [&](auto& again, EventLoop::Timer& timer) -> void {
      if (done) return loop_->quit();
      timer = loop_->after(milliseconds(1), [&] { again(again, timer); });
    };
    EventLoop::Timer timer;
    look(look, timer);
    loop_->run();
    CPPUNIT_ASSERT_MESSAGE("it did not happen within 20 s", done);
  }
  void app_says(const std::string& text) {
    assert_ok(write_all(app_.get(), text, "the channel"));
    pump();
  }
  /// The next line that the app gets; empty at the end of the connection.
  std::string app_hears() const {
    std::string line;
    for (char c = 0; ::recv(app_.get(), &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }
  void greet() {
    app_says("{\"op\":\"hello\",\"protocol\":1}\n");
    CPPUNIT_ASSERT_EQUAL(1, hellos_);
    CPPUNIT_ASSERT(!app_hears().empty());
  }
  /// What became of one request.
  struct Outcome {
    bool done = false;
    int times = 0;
    std::string error;
    Poco::JSON::Object::Ptr answer;
  };
  std::shared_ptr<Outcome> ask(const std::string& op, milliseconds deadline = seconds(60)) {
    auto outcome = std::make_shared<Outcome>();
    channel_->request(op, Poco::JSON::Object(), deadline, [outcome](Result<Poco::JSON::Object::Ptr> result) {
      outcome->done = true;
      ++outcome->times;
      if (result)
        outcome->answer = *result;
      else
        outcome->error = result.error().message();
    });
    CPPUNIT_ASSERT_MESSAGE("answered from inside the call", !outcome->done);
    return outcome;
  }
  static void assert_says(const std::string& words, const std::string& text) {
    CPPUNIT_ASSERT_MESSAGE("'" + words + "' is not in: " + text, text.find(words) != std::string::npos);
  }
  void assert_ended(const std::string& words) {
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), ends_.size());
    assert_says(words, ends_.front());
    CPPUNIT_ASSERT(!channel_->is_open());
  }

  void a_hello_is_welcomed() {
    app_says("{\"op\":\"hello\",\"protocol\":1,\"capabilities\":[\"state\"],\"schema\":\"a/1\"}\n");
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"digest":"","generation":3,"op":"welcome","protocol":1,"wait":true})"),
                         app_hears());
    CPPUNIT_ASSERT_EQUAL(1, hellos_);
    CPPUNIT_ASSERT_EQUAL(std::string("a/1"), channel_->hello()->schema);
  }

  void a_hello_of_another_version_is_refused_and_the_connection_closed() {
    app_says("{\"op\":\"hello\",\"protocol\":2}\n");
    assert_says("\"op\":\"refused\"", app_hears());
    CPPUNIT_ASSERT_EQUAL(std::string(), app_hears());
    assert_ended("version 2");
    CPPUNIT_ASSERT_EQUAL(0, hellos_);
  }

  void whoever_begins_otherwise_is_cut_off() {
    app_says("{\"id\":1,\"ok\":true}\n");
    assert_ended("hello");
  }

  void a_request_is_answered() {
    greet();
    const auto outcome = ask("health", seconds(5));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"deadline_ms":5000,"id":1,"op":"health"})"), app_hears());
    app_says("{\"id\":1,\"ok\":true,\"digest\":\"d\"}\n");
    CPPUNIT_ASSERT(outcome->done);
    CPPUNIT_ASSERT_EQUAL(std::string("d"), outcome->answer->getValue<std::string>("digest"));
  }

  void ids_grow() {
    greet();
    for (int id = 1; id <= 3; ++id) {
      const auto outcome = ask("health");
      assert_says("\"id\":" + std::to_string(id), app_hears());
      app_says("{\"id\":" + std::to_string(id) + ",\"ok\":true}\n");
      CPPUNIT_ASSERT(outcome->answer);
    }
  }

  void a_refusal_is_an_error() {
    greet();
    const auto outcome = ask("suspend");
    app_says("{\"id\":1,\"ok\":false,\"code\":\"busy\",\"error\":\"12 carts\"}\n");
    CPPUNIT_ASSERT_EQUAL(std::string("cannot have the app do 'suspend': it answered 'busy': 12 carts"), outcome->error);
    CPPUNIT_ASSERT(channel_->is_open());
  }

  void a_request_before_the_hello_fails() {
    const auto outcome = ask("health");
    pump();
    assert_says("not connected", outcome->error);
  }

  void a_second_request_at_once_fails_but_abort_overtakes() {
    greet();
    const auto first = ask("export");
    const auto second = ask("health");
    const auto abort = ask("abort");
    pump();
    assert_says("has not answered the last", second->error);
    CPPUNIT_ASSERT(!first->done && !abort->done);
    assert_says("export", app_hears());
    assert_says("abort", app_hears());
    app_says("{\"id\":3,\"ok\":true}\n{\"id\":1,\"ok\":false,\"error\":\"aborted\"}\n");
    CPPUNIT_ASSERT(abort->answer);
    assert_says("aborted", first->error);
  }

  void an_answer_in_pieces_and_two_in_one_are_read() {
    greet();
    const auto first = ask("health");
    app_says("{\"id\":1,");
    CPPUNIT_ASSERT(!first->done);
    app_says("\"ok\":true}\n");
    CPPUNIT_ASSERT(first->answer);
    const auto second = ask("prepare");
    const auto abort = ask("abort");
    app_says("{\"id\":2,\"ok\":true}\n{\"id\":3,\"ok\":true}\n");
    CPPUNIT_ASSERT(second->answer && abort->answer);
  }

  void a_deadline_fails_the_request_and_its_late_answer_is_ignored() {
    greet();
    const auto late = ask("export", milliseconds(5));
    run_until(late->done);
    assert_says("did not answer within 5ms", late->error);
    app_says("{\"id\":1,\"ok\":true}\n");
    CPPUNIT_ASSERT_EQUAL(1, late->times);
    const auto next = ask("health");
    app_says("{\"id\":1,\"ok\":true}\n{\"id\":2,\"ok\":true}\n");
    CPPUNIT_ASSERT(next->answer);
  }

  void answers_nobody_waits_for_are_ignored() {
    greet();
    const auto outcome = ask("health");
    app_says("{\"id\":99,\"ok\":true}\n{\"id\":0,\"ok\":true}\n");
    CPPUNIT_ASSERT(!outcome->done);
    app_says("{\"id\":1,\"ok\":true}\n{\"id\":1,\"ok\":false}\n");
    CPPUNIT_ASSERT_EQUAL(1, outcome->times);
    CPPUNIT_ASSERT(outcome->answer && channel_->is_open());
  }

  void the_longest_line_is_read_and_a_longer_one_closes() {
    greet();
    const std::string head = "{\"id\":1,\"ok\":true,\"x\":\"";
    const std::string tail = "\"}\n";
    const auto padded = [&](std::size_t bytes) {
      return head + std::string(bytes - head.size() - tail.size(), 'x') + tail;
    };
    const auto outcome = ask("health");
    app_says(padded(kMaxMessageBytes));
    CPPUNIT_ASSERT(outcome->answer);
    app_says(padded(kMaxMessageBytes + 1));
    assert_ended("more than 65536 bytes");
  }

  void a_line_that_is_no_answer_closes() {
    greet();
    const auto outcome = ask("health");
    app_says("{\"id\":1,\"ok\":true\n");
    assert_ended("not valid JSON");
    assert_says("not valid JSON", outcome->error);
  }

  void the_end_of_the_connection_fails_every_open_request_once() {
    greet();
    const auto request = ask("export");
    const auto abort = ask("abort");
    app_.reset();
    pump();
    assert_ended("closed the connection");
    CPPUNIT_ASSERT_EQUAL(1, request->times);
    CPPUNIT_ASSERT_EQUAL(1, abort->times);
    assert_says("cannot have the app do 'export': it closed the connection", request->error);
  }

  void a_request_after_the_end_fails() {
    greet();
    channel_->close("it exited");
    channel_->close("it exited");
    const auto outcome = ask("health");
    pump();
    assert_says("not connected", outcome->error);
    assert_ended("it exited");
  }

  void a_request_after_the_end_is_answered_before_the_process_is_forgotten() {
    greet();
    channel_->close("it closed the connection");
    const auto outcome = ask("abort");
    channel_->close("it exited");  // before the loop came to it
    CPPUNIT_ASSERT_EQUAL(1, outcome->times);
    assert_says("it exited", outcome->error);
    assert_ended("it closed the connection");
  }

  void an_app_that_does_not_read_is_cut_off() {
    greet();
    Poco::JSON::Object large;
    large.set("release_dir", std::string(60000, 'x'));
    bool failed = false;
    for (int i = 0; i < 100 && channel_->is_open(); ++i) {
      channel_->request("abort", large, seconds(60), [&](const auto& result) { failed = !result; });
      pump();
    }
    assert_ended("does not read");
    CPPUNIT_ASSERT(failed);
  }

  void a_callback_may_ask_the_next_and_may_close() {
    greet();
    std::shared_ptr<Outcome> next;
    channel_->request("suspend", Poco::JSON::Object(), seconds(60), [&](const auto&) { next = ask("export"); });
    app_says("{\"id\":1,\"ok\":true}\n");
    CPPUNIT_ASSERT(next && !next->done);
    channel_->request("abort", Poco::JSON::Object(), seconds(60), [&](const auto&) { channel_->close("enough"); });
    app_says("{\"id\":3,\"ok\":true}\n{\"id\":2,\"ok\":true}\n");
    assert_says("enough", next->error);
    assert_ended("enough");
  }

  void a_flood_of_answers_is_taken_in_portions() {
    greet();
    std::string flood;
    while (flood.size() < 150000) flood += "{\"id\":77,\"ok\":true}\n";
    assert_ok(write_all(app_.get(), flood, "the channel"));
    const auto outcome = ask("health");
    assert_ok(write_all(app_.get(), "{\"id\":1,\"ok\":true}\n", "the channel"));
    run_until(outcome->done);
    CPPUNIT_ASSERT(outcome->answer);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(AppChannelTest, "app_channel");

}  // namespace midair::sidecar
