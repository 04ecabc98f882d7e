#include "loop/process_table.h"

#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <string>

namespace midair::sidecar {

class ProcessTableTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProcessTableTest);
  CPPUNIT_TEST(a_command_may_look_like_fields);
  CPPUNIT_TEST(what_is_no_stat_line_is_refused);
  CPPUNIT_TEST(we_are_in_our_session);
  CPPUNIT_TEST(nobody_is_nobody);
  CPPUNIT_TEST_SUITE_END();

  static std::string line(const std::string& command) {
    return "42 (" + command + ") S 1 42 77 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 124435 3133440 384\n";
  }

  void a_command_may_look_like_fields() {
    for (const char* command : {"server", "a b", ") Z 9 9 9 (", "())", ""}) {
      const auto stat = parse_process_stat(line(command));
      CPPUNIT_ASSERT_MESSAGE(command, stat.has_value());
      CPPUNIT_ASSERT_EQUAL('S', stat->state);
      CPPUNIT_ASSERT_EQUAL(1, stat->parent);
      CPPUNIT_ASSERT_EQUAL(77, stat->session);
      CPPUNIT_ASSERT_EQUAL(std::uint64_t(124435), stat->start_ticks);
    }
  }

  void what_is_no_stat_line_is_refused() {
    for (const char* text :
         {"", ")", "42 (a) S", "42 (a) S 1 2 x 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 124435", "no parenthesis"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_process_stat(text).has_value());
  }

  void we_are_in_our_session() {
    const auto stat = process_stat(::getpid());
    CPPUNIT_ASSERT(stat.has_value());
    CPPUNIT_ASSERT_EQUAL(::getsid(0), stat->session);
  }

  void nobody_is_nobody() {
    CPPUNIT_ASSERT(!process_stat(0).has_value());
    CPPUNIT_ASSERT(!session_led_by(-1).has_value());
    CPPUNIT_ASSERT(living_members({1 << 30, 5}).empty());
    CPPUNIT_ASSERT(kill_session({1 << 30, 5}).empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProcessTableTest, "process_table");

}  // namespace midair::sidecar
