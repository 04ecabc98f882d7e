#include "loop/process_table.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>

namespace midair::sidecar {

class ProcessTableTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProcessTableTest);
  CPPUNIT_TEST(a_command_may_look_like_fields);
  CPPUNIT_TEST(what_is_no_stat_line_is_refused);
  CPPUNIT_TEST(a_zombie_with_threads_has_not_ended);
  CPPUNIT_TEST(we_are_in_our_session);
  CPPUNIT_TEST(we_are_listed);
  CPPUNIT_TEST(a_name_is_washed);
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
      CPPUNIT_ASSERT_EQUAL(std::string(command), std::string(stat->name()));
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
    CPPUNIT_ASSERT_EQUAL(::getppid(), stat->parent);
  }

  void a_zombie_with_threads_has_not_ended() {
    const auto ended = [](const std::string& threads) {
      return parse_process_stat("42 (a) Z 1 42 77 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 " + threads + " 0 124435\n")
          ->ended();
    };
    CPPUNIT_ASSERT(ended("1") && !ended("2"));
  }

  void we_are_listed() {
    ProcessList list;
    std::set<pid_t> listed;
    for (pid_t pid = list.next(); pid != 0; pid = list.next()) CPPUNIT_ASSERT(listed.insert(pid).second);
    CPPUNIT_ASSERT(listed.contains(1) && listed.contains(::getpid()));
  }

  void a_name_is_washed() {
    std::array<char, 16> before{};
    ::prctl(PR_GET_NAME, before.data());
    ::prctl(PR_SET_NAME, "a\x1b[31m b");
    const std::string described = describe_process(::getpid());
    ::prctl(PR_SET_NAME, before.data());
    CPPUNIT_ASSERT_EQUAL(std::to_string(::getpid()) + " (a?[31m b)", described);
  }

  void nobody_is_nobody() {
    CPPUNIT_ASSERT(!process_stat(0).has_value());
    CPPUNIT_ASSERT(!process_stat(-1).has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("1073741824, which has ended"), describe_process(1 << 30));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProcessTableTest, "process_table");

}  // namespace midair::sidecar
