#include "connections/activity.h"

#include <cppunit/extensions/HelperMacros.h>

#include <functional>
#include <string>
#include <vector>

namespace midair::sidecar {

namespace {

using std::chrono::milliseconds;

/// Kept alive: it got a request of 100 bytes some time ago, and answered with 500 bytes 10 ms later.
Connection idle_connection() {
  Connection connection;
  connection.state = TcpState::established;
  connection.inode = 1;
  connection.unacked = 0;
  connection.not_sent = 0;
  connection.min_rtt = milliseconds(2);
  connection.bytes_received = 100;
  connection.bytes_sent = 500;
  connection.last_data_recv = milliseconds(310);
  connection.last_data_sent = milliseconds(300);
  return connection;
}

struct Case {
  std::string name;
  Activity expected;
  std::function<void(Connection&)> change;  ///< of an idle connection
};

void never_used(Connection& look, milliseconds age) {
  look.bytes_received = look.bytes_sent = 0;
  look.last_data_recv = look.last_data_sent = age;
}

std::function<void(Connection&)> in_state(TcpState state, std::uint32_t wqueue = 0) {
  return [=](Connection& look) {
    look.state = state;
    look.wqueue = wqueue;
    look.unacked = wqueue > 0 ? 1 : 0;
  };
}

const std::vector<Case> kCases{
    {"kept alive", Activity::idle, [](Connection&) {}},
    {"connected, and nothing yet", Activity::idle, [](Connection& look) { never_used(look, milliseconds(900)); }},
    {"just connected", Activity::busy, [](Connection& look) { never_used(look, milliseconds(20)); }},
    {"a request that the app hasn't read", Activity::busy, [](Connection& look) { look.rqueue = 1; }},
    {"an answer that the client hasn't got", Activity::busy, [](Connection& look) { look.wqueue = 1; }},
    {"a segment that wasn't acknowledged", Activity::busy, [](Connection& look) { look.unacked = 1; }},
    {"the first request is thought about", Activity::busy,
     [](Connection& look) {
       look.bytes_sent = 0;
       look.last_data_sent = milliseconds(305);  // the beginning of the connection
       look.last_data_recv = milliseconds(305);
     }},
    {"a later request is thought about", Activity::busy,
     [](Connection& look) { look.last_data_recv = milliseconds(299); }},
    {"a request within the tick of the answer before", Activity::idle,
     [](Connection& look) { look.last_data_recv = milliseconds(300); }},
    {"sent 49 ms ago", Activity::busy, [](Connection& look) { look.last_data_sent = milliseconds(49); }},
    {"sent 50 ms ago", Activity::idle, [](Connection& look) { look.last_data_sent = milliseconds(50); }},
    {"an event 1999 ms after the request", Activity::idle,
     [](Connection& look) { look.last_data_recv = milliseconds(2299); }},
    {"an event 2 s after the request", Activity::streaming,
     [](Connection& look) { look.last_data_recv = milliseconds(2300); }},
    {"an event right now", Activity::streaming,
     [](Connection& look) {
       look.last_data_recv = milliseconds(9000);
       look.last_data_sent = milliseconds(0);
     }},
    {"an event that the client hasn't got", Activity::busy,
     [](Connection& look) {
       look.last_data_recv = milliseconds(9000);
       look.wqueue = 10;
     }},
    {"events long ago", Activity::streaming,
     [](Connection& look) {
       look.last_data_recv = milliseconds(86402000);
       look.last_data_sent = milliseconds(86400000);
     }},
    {"the client has closed", Activity::idle, in_state(TcpState::close_wait)},
    {"the client has closed, the app hasn't read it", Activity::busy,
     [](Connection& look) {
       look.state = TcpState::close_wait;
       look.rqueue = 1;
     }},
    {"the app has closed, the client doesn't know", Activity::ended, in_state(TcpState::fin_wait_1, 1)},
    {"the app has closed, the client lacks a byte", Activity::busy, in_state(TcpState::fin_wait_1, 2)},
    {"the app has closed, the client hasn't", Activity::ended, in_state(TcpState::fin_wait_2)},
    {"both have closed, the client lacks a byte", Activity::busy, in_state(TcpState::last_ack, 2)},
    {"both have closed", Activity::ended, in_state(TcpState::last_ack, 1)},
    {"both have closed at once", Activity::ended, in_state(TcpState::closing, 1)},
    {"it was reset", Activity::ended, in_state(TcpState::closed)},
    {"a handshake, of which little is known", Activity::busy,
     [](Connection& look) {
       look = Connection();
       look.state = TcpState::syn_received;
     }},
    {"unacked unknown", Activity::busy, [](Connection& look) { look.unacked.reset(); }},
    {"bytes received unknown", Activity::busy, [](Connection& look) { look.bytes_received.reset(); }},
    {"bytes sent unknown", Activity::busy, [](Connection& look) { look.bytes_sent.reset(); }},
    {"time of sending unknown", Activity::busy, [](Connection& look) { look.last_data_sent.reset(); }},
    {"time of receiving unknown", Activity::busy, [](Connection& look) { look.last_data_recv.reset(); }},
};

constexpr Activity E = Activity::ended;
constexpr Activity I = Activity::idle;
constexpr Activity S = Activity::streaming;
constexpr Activity B = Activity::busy;

}  // namespace

class ActivityTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ActivityTest);
  CPPUNIT_TEST(one_look);
  CPPUNIT_TEST(a_moment_of_quiet);
  CPPUNIT_TEST(several_looks);
  CPPUNIT_TEST_SUITE_END();

  void one_look() {
    for (const Case& c : kCases) {
      Connection look = idle_connection();
      c.change(look);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(c.name, static_cast<int>(c.expected), static_cast<int>(activity_of(look)));
    }
  }

  void a_moment_of_quiet() {
    struct Moment {
      const char* name;
      bool expected;
      std::function<void(Connection&)> change;
    };
    const std::vector<Moment> moments{
        {"it has answered", true, [](Connection&) {}},
        {"the client acknowledges no sooner than it asks again", true,
         [](Connection& look) { look.unacked = 1, look.wqueue = 500; }},
        {"two segments are on the way", false, [](Connection& look) { look.unacked = 2, look.wqueue = 500; }},
        {"a part waits here", false, [](Connection& look) { look.not_sent = 1; }},
        {"a request waits here", false, [](Connection& look) { look.rqueue = 1; }},
        {"sent 31 ms ago", false, [](Connection& look) { look.last_data_sent = milliseconds(31); }},
        {"the client is far", false, [](Connection& look) { look.min_rtt = milliseconds(280); }},
        {"both within a tick", false, [](Connection& look) { look.last_data_recv = look.last_data_sent; }},
        {"it thinks", false, [](Connection& look) { look.last_data_recv = milliseconds(200); }},
        {"it has ended", false, [](Connection& look) { look.state = TcpState::fin_wait_2; }},
        {"an old kernel", false, [](Connection& look) { look.not_sent.reset(); }},
    };
    for (const Moment& moment : moments) {
      Connection look = idle_connection();
      moment.change(look);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(moment.name, moment.expected, is_quiet_for(look, milliseconds(30)));
    }
  }

  void several_looks() {
    const std::vector<std::pair<std::vector<Activity>, Activity>> cases{
        {{}, B},           {{I}, B},          {{I, I}, B},    {{I, I, I}, I},       {{B, I, I}, B},
        {{I, B, I}, B},    {{I, I, B}, B},    {{S, S}, B},    {{S, S, S}, S},       {{S, I, I}, S},
        {{I, I, S}, S},    {{S, B, S}, B},    {{E}, E},       {{I, I, I, B, E}, E}, {{B, I, I, I}, I},
        {{S, I, I, I}, I}, {{I, I, I, B}, B}, {{I, I, E}, E},
    };
    for (const auto& [looks, expected] : cases) {
      ActivityHistory history;
      std::string name;
      for (const Activity look : looks) {
        history.add(look);
        name += "EISB"[static_cast<int>(look)];
      }
      CPPUNIT_ASSERT_EQUAL_MESSAGE(name, static_cast<int>(expected), static_cast<int>(history.judged()));
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ActivityTest, "activity");

}  // namespace midair::sidecar
