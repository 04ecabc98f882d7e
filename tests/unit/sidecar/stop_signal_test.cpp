#include "process/stop_signal.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>

#include "result_asserts.h"

namespace midair::sidecar {

class StopSignalTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StopSignalTest);
  CPPUNIT_TEST(names_and_numbers_are_read);
  CPPUNIT_TEST(what_is_none_is_refused);
  CPPUNIT_TEST_SUITE_END();

  void names_and_numbers_are_read() {
    CPPUNIT_ASSERT_EQUAL(SIGQUIT, value_of(parse_stop_signal("QUIT")));
    CPPUNIT_ASSERT_EQUAL(SIGWINCH, value_of(parse_stop_signal("SIGWINCH")));
    CPPUNIT_ASSERT_EQUAL(SIGUSR1, value_of(parse_stop_signal("10")));
    CPPUNIT_ASSERT_EQUAL(SIGRTMIN, value_of(parse_stop_signal("RTMIN")));
    CPPUNIT_ASSERT_EQUAL(SIGRTMIN + 4, value_of(parse_stop_signal("SIGRTMIN+4")));
    for (int signo = 1; signo <= SIGSYS; ++signo)
      if (signo != SIGKILL && signo != SIGSTOP)
        CPPUNIT_ASSERT_EQUAL(signo, value_of(parse_stop_signal(signal_name(signo))));
  }

  void what_is_none_is_refused() {
    for (const char* text : {"", "SIG", "quit", "NOPE", "0", "-3", "65", "015", "3 ", "32", "RTMIN+99"})
      assert_fails(parse_stop_signal(text), Errc::bad_input, "no such signal");
    for (const char* text : {"KILL", "SIGSTOP", "9"})
      assert_fails(parse_stop_signal(text), Errc::bad_input, "no process can finish");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StopSignalTest, "stop_signal");

}  // namespace midair::sidecar
