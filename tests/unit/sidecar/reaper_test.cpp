#include "process/reaper.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>
#include <map>

#include "script.h"

namespace midair::sidecar {

class ReaperTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReaperTest);
  CPPUNIT_TEST(it_tells_how_a_child_ended);
  CPPUNIT_TEST(it_takes_in_double_forked_orphans);
  CPPUNIT_TEST(it_gets_exit_statuses_even_if_our_parent_ignored_sigchld);
  CPPUNIT_TEST(nobody_dead_is_nothing_to_drain);
  CPPUNIT_TEST_SUITE_END();

  Reaper reaper_;

  /// Waits for ends until `pid` is among them.
  ExitStatus await(pid_t pid) {
    for (;;) {
      siginfo_t info{};
      CPPUNIT_ASSERT(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
      for (const Reaped& dead : reaper_.drain())
        if (dead.pid == pid) return dead.status;
    }
  }

  void it_tells_how_a_child_ended() {
    Script exits("exit 3");
    CPPUNIT_ASSERT_EQUAL(3, await(exits.child().pid()).code());
    exits.child().reaped();
    Script killed("kill -9 $$");
    CPPUNIT_ASSERT_EQUAL(std::string("was killed by signal 9 (KILL)"), await(killed.child().pid()).text());
    killed.child().reaped();
  }

  void it_takes_in_double_forked_orphans() {
    const Pipe go;
    Script script("sh -c 'sh -c \"echo \\$\\$ >&3; read line <&4; exit 7\" &' ; exit 0", {{"go", go.read_end.get()}});
    const pid_t orphan = std::stoi(script.line());
    CPPUNIT_ASSERT_EQUAL(0, await(script.child().pid()).code());
    script.child().reaped();
    assert_ok(write_all(go.write_end.get(), "go\n", "the pipe"));
    CPPUNIT_ASSERT_EQUAL(7, await(orphan).code());
  }

  void it_gets_exit_statuses_even_if_our_parent_ignored_sigchld() {
    ::signal(SIGCHLD, SIG_IGN);
    reaper_ = Reaper();
    Script script("exit 5");
    CPPUNIT_ASSERT_EQUAL(5, await(script.child().pid()).code());
    script.child().reaped();
  }

  void nobody_dead_is_nothing_to_drain() {
    CPPUNIT_ASSERT(reaper_.drain().empty());
    Script living("sleep 1000");
    CPPUNIT_ASSERT(reaper_.drain().empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReaperTest, "reaper");

}  // namespace midair::sidecar
