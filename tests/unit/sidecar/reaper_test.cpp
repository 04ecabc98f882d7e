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

  /// A child that does `work` and ends with what that returns.
  template <class Work>
  static pid_t child(Work work) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(work());
    return pid;
  }

  void it_tells_how_a_child_ended() {
    CPPUNIT_ASSERT_EQUAL(3, await(child([] { return 3; })).code());
    const pid_t killed = child([] { return ::raise(SIGKILL); });
    CPPUNIT_ASSERT_EQUAL(std::string("was killed by signal 9 (KILL)"), await(killed).text());
  }

  void it_takes_in_double_forked_orphans() {
    const Pipe told;
    const pid_t parent = child([&] {
      const pid_t orphan = child([] { return ::getppid() == 0 ? 0 : 7; });
      return static_cast<int>(::write(told.write_end.get(), &orphan, sizeof orphan)) - static_cast<int>(sizeof orphan);
    });
    pid_t orphan = 0;
    CPPUNIT_ASSERT_EQUAL(ssize_t(sizeof orphan), ::read(told.read_end.get(), &orphan, sizeof orphan));
    std::map<pid_t, int> ended;
    while (ended.size() < 2) {
      siginfo_t info{};
      CPPUNIT_ASSERT(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
      for (const Reaped& dead : reaper_.drain()) ended[dead.pid] = dead.status.code();
    }
    CPPUNIT_ASSERT((ended == std::map<pid_t, int>{{parent, 0}, {orphan, 7}}));
  }

  void it_gets_exit_statuses_even_if_our_parent_ignored_sigchld() {
    ::signal(SIGCHLD, SIG_IGN);
    reaper_ = Reaper();
    CPPUNIT_ASSERT_EQUAL(5, await(child([] { return 5; })).code());
  }

  void nobody_dead_is_nothing_to_drain() {
    CPPUNIT_ASSERT(reaper_.drain().empty());
    Script living("sleep 1000");
    CPPUNIT_ASSERT(reaper_.drain().empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReaperTest, "reaper");

}  // namespace midair::sidecar
