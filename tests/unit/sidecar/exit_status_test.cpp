#include "process/exit_status.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::sidecar {

class ExitStatusTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ExitStatusTest);
  CPPUNIT_TEST(an_exit_code_is_itself);
  CPPUNIT_TEST(a_death_by_signal_is_128_and_the_signal);
  CPPUNIT_TEST_SUITE_END();

  void an_exit_code_is_itself() {
    const ExitStatus three(3 << 8);
    CPPUNIT_ASSERT_EQUAL(3, three.code());
    CPPUNIT_ASSERT(!three.success());
    CPPUNIT_ASSERT_EQUAL(std::string("exited with status 3"), three.text());
    CPPUNIT_ASSERT(ExitStatus(0).success());
  }

  void a_death_by_signal_is_128_and_the_signal() {
    const ExitStatus killed(9);
    CPPUNIT_ASSERT_EQUAL(137, killed.code());
    CPPUNIT_ASSERT_EQUAL(std::string("was killed by signal 9 (KILL)"), killed.text());
    const ExitStatus dumped(11 | 0x80);
    CPPUNIT_ASSERT_EQUAL(139, dumped.code());
    CPPUNIT_ASSERT_EQUAL(std::string("was killed by signal 11 (SEGV)"), dumped.text());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ExitStatusTest, "exit_status");

}  // namespace midair::sidecar
