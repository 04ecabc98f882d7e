#include "connections/watched_socket.h"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

namespace midair::sidecar {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{4};

/// A connection with its app and its client, and a clock; the kernel's times are whole ticks, as at 250 Hz.
class Talk {
 public:
  void wait(milliseconds time) { now_ += time; }
  void ask() { received_ += 100, received_at_ = now_; }
  void send(std::uint64_t bytes = 500) { sent_ += bytes, sent_at_ = now_; }
  /// The client asks, and is answered `thinking` later.
  void exchange(milliseconds thinking) {
    ask();
    wait(thinking);
    send();
  }
  bool look() { return socket_.look(connections(), now_); }
  /// Time passes under looks that are 20 ms apart.
  void watch(milliseconds time) {
    for (milliseconds passed{0}; passed < time; passed += kLookInterval) {
      wait(kLookInterval);
      look();
    }
  }

  [[nodiscard]] std::vector<Connection> connections() const {
    Connection connection;
    connection.state = TcpState::established;
    connection.unacked = 0;
    connection.not_sent = 0;
    connection.min_rtt = std::chrono::microseconds(20);
    connection.bytes_received = received_;
    connection.bytes_sent = sent_;
    connection.last_data_recv = ago(received_at_);
    connection.last_data_sent = ago(sent_at_);
    return {connection};
  }
  [[nodiscard]] const WatchedSocket& socket() const { return socket_; }
  [[nodiscard]] bool is_idle_for(milliseconds quiet) const { return socket_.is_idle_for(quiet, connections()); }

 private:
  [[nodiscard]] milliseconds ago(milliseconds when) const { return (now_ / kTick - when / kTick) * kTick; }

  WatchedSocket socket_;
  milliseconds now_{400};
  milliseconds received_at_{0};
  milliseconds sent_at_{0};
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

/// Its client has asked often, each time 40 ms after the answer.
Talk known(milliseconds thinking) {
  Talk talk;
  for (int i = 0; i < 5; ++i) {
    talk.exchange(thinking);
    talk.watch(milliseconds(40));
  }
  return talk;
}

}  // namespace

class WatchedSocketTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WatchedSocketTest);
  CPPUNIT_TEST(unused_it_is_idle_at_once);
  CPPUNIT_TEST(after_one_answer_it_is_idle_when_nothing_came_for_two_seconds);
  CPPUNIT_TEST(of_a_client_that_asks_again_it_is_idle_after_three_looks);
  CPPUNIT_TEST(an_answer_that_is_sent_slowly_is_never_idle);
  CPPUNIT_TEST(what_has_paused_has_to_be_quiet_for_longer);
  CPPUNIT_TEST(a_pause_is_forgotten);
  CPPUNIT_TEST(a_moment_of_quiet_is_enough_where_the_client_never_pauses);
  CPPUNIT_TEST(within_a_tick_nothing_is_believed_of_a_moment);
  CPPUNIT_TEST(what_moves_is_not_idle_for_a_moment);
  CPPUNIT_TEST(what_several_connections_carry_is_not_idle_for_a_moment);
  CPPUNIT_TEST_SUITE_END();

  static void expect(Activity activity, const Talk& talk) {
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(activity), static_cast<int>(talk.socket().judged()));
  }

  void unused_it_is_idle_at_once() {
    Talk talk;
    talk.watch(milliseconds(60));
    expect(Activity::idle, talk);
  }

  void after_one_answer_it_is_idle_when_nothing_came_for_two_seconds() {
    Talk talk;
    talk.exchange(milliseconds(8));
    talk.watch(milliseconds(1900));
    expect(Activity::busy, talk);
    CPPUNIT_ASSERT(talk.socket().is_unsettled());
    talk.watch(milliseconds(200));
    expect(Activity::idle, talk);
    CPPUNIT_ASSERT(talk.socket().is_idle(talk.connections()));
  }

  void of_a_client_that_asks_again_it_is_idle_after_three_looks() {
    Talk talk = known(milliseconds(8));
    expect(Activity::busy, talk);
    talk.watch(milliseconds(60));
    expect(Activity::idle, talk);
    talk.ask();
    CPPUNIT_ASSERT(!talk.socket().is_idle(talk.connections()));
  }

  /// As nginx does with limit_rate: a part at once, and one each second.
  void an_answer_that_is_sent_slowly_is_never_idle() {
    for (const milliseconds pause : {milliseconds(300), milliseconds(1000), milliseconds(1900)}) {
      Talk talk;
      talk.ask();
      for (int part = 0; part < 5; ++part) {
        talk.send();
        for (milliseconds passed{0}; passed < pause; passed += kLookInterval) {
          talk.watch(kLookInterval);
          CPPUNIT_ASSERT(talk.socket().judged() != Activity::idle);
        }
      }
    }
  }

  void what_has_paused_has_to_be_quiet_for_longer() {
    Talk talk = known(milliseconds(8));
    talk.exchange(milliseconds(8));
    talk.watch(milliseconds(80));
    talk.send();  // the rest
    talk.watch(milliseconds(140));
    expect(Activity::busy, talk);
    talk.watch(milliseconds(60));
    expect(Activity::idle, talk);
  }

  void a_pause_is_forgotten() {
    Talk talk = known(milliseconds(8));
    talk.exchange(milliseconds(8));
    talk.watch(milliseconds(80));
    talk.send();
    for (int i = 0; i < 50; ++i) {
      talk.watch(milliseconds(40));
      talk.exchange(milliseconds(8));
    }
    talk.watch(milliseconds(40));
    CPPUNIT_ASSERT(talk.is_idle_for(milliseconds(30)));
  }

  void a_moment_of_quiet_is_enough_where_the_client_never_pauses() {
    Talk talk = known(milliseconds(8));
    CPPUNIT_ASSERT(talk.is_idle_for(milliseconds(30)));
    CPPUNIT_ASSERT(!talk.is_idle_for(milliseconds(50)));
    Talk unknown;
    unknown.exchange(milliseconds(8));
    unknown.watch(milliseconds(40));
    CPPUNIT_ASSERT(!unknown.is_idle_for(milliseconds(30)));
  }

  void within_a_tick_nothing_is_believed_of_a_moment() {
    Talk talk = known(milliseconds(0));
    CPPUNIT_ASSERT(!talk.is_idle_for(milliseconds(30)));
  }

  void what_moves_is_not_idle_for_a_moment() {
    Talk talk = known(milliseconds(8));
    talk.exchange(milliseconds(8));
    talk.wait(milliseconds(35));
    CPPUNIT_ASSERT(!talk.is_idle_for(milliseconds(30)));  // not seen by a look
    talk.look();
    CPPUNIT_ASSERT(talk.is_idle_for(milliseconds(30)));
    talk.ask();
    CPPUNIT_ASSERT(!talk.is_idle_for(milliseconds(30)));
  }

  void what_several_connections_carry_is_not_idle_for_a_moment() {
    const Talk talk = known(milliseconds(8));
    auto connections = talk.connections();
    connections.push_back(connections.front());
    connections.back().bytes_received = connections.back().bytes_sent = 0;
    CPPUNIT_ASSERT(!talk.socket().is_idle_for(milliseconds(30), connections));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(WatchedSocketTest, "watched_socket");

}  // namespace midair::sidecar
