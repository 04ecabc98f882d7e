#include "process/leftovers.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>
#include <fstream>

#include "midair/durable_file.h"
#include "script.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class LeftoversTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LeftoversTest);
  CPPUNIT_TEST(a_recorded_session_is_killed_with_all_its_groups);
  CPPUNIT_TEST(a_session_whose_leader_is_dead_is_killed_too);
  CPPUNIT_TEST(a_pid_that_is_another_process_by_now_is_left_alone);
  CPPUNIT_TEST(a_record_of_another_boot_is_left_alone);
  CPPUNIT_TEST(recording_forgets_what_has_ended);
  CPPUNIT_TEST(no_file_means_nothing_to_do);
  CPPUNIT_TEST(a_corrupt_file_is_an_error_and_kills_nobody);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  fs::path file_ = directory_.path() / "sessions";

  [[nodiscard]] std::string recorded() const { return value_of(read_file(file_, 4096)); }
  void write_record(const std::string& text) const { assert_ok(write_file_durably(file_, text)); }

  void a_recorded_session_is_killed_with_all_its_groups() {
    Script script(SpawnSpec{{"/bin/bash", "-c", "set -m; sleep 1000 & sleep 1000 & echo ready >&3; wait"},
                            {},
                            {},
                            {}});  // dash has no job control here
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_session(file_, script.child().pid()));
    CPPUNIT_ASSERT_EQUAL(std::size_t(3), value_of(kill_leftovers(file_)));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
    CPPUNIT_ASSERT(!fs::exists(file_));
  }

  void a_session_whose_leader_is_dead_is_killed_too() {
    const Pipe go;
    Script script("sleep 1000 & read line <&4", {{"go", go.read_end.get()}});
    assert_ok(record_session(file_, script.child().pid()));
    assert_ok(write_all(go.write_end.get(), "go\n", "the pipe"));
    CPPUNIT_ASSERT_EQUAL(script.child().pid(), ::waitpid(script.child().pid(), nullptr, 0));
    script.child().reaped();
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), value_of(kill_leftovers(file_)));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
  }

  void a_pid_that_is_another_process_by_now_is_left_alone() {
    Script script("echo ready >&3; read line; sleep 1000");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_session(file_, script.child().pid()));
    const std::string line = recorded();
    write_record(line.substr(0, line.rfind(' ')) + " 1\n");  // as if the recorded one had started at the first tick
    CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_)));
    assert_ok(script.child().signal(SIGTERM));
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(script.child().pid(), ::waitpid(script.child().pid(), &status, 0));
    script.child().reaped();
    CPPUNIT_ASSERT_EQUAL(SIGTERM, WTERMSIG(status));
  }

  void a_record_of_another_boot_is_left_alone() {
    Script script("sleep 1000");
    assert_ok(record_session(file_, script.child().pid()));
    write_record("00000000-0000-0000-0000-000000000000" + recorded().substr(36));
    CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_)));
  }

  void recording_forgets_what_has_ended() {
    Script first("exit 0");
    assert_ok(record_session(file_, first.child().pid()));
    const std::string of_first = recorded();
    CPPUNIT_ASSERT_EQUAL(first.child().pid(), ::waitpid(first.child().pid(), nullptr, 0));
    first.child().reaped();
    Script second("sleep 1000");
    assert_ok(record_session(file_, second.child().pid()));
    const std::string of_second = recorded();
    CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1), std::count(of_second.begin(), of_second.end(), '\n'));
    CPPUNIT_ASSERT(of_first != of_second);
    Script third("sleep 1000");
    assert_ok(record_session(file_, third.child().pid()));
    CPPUNIT_ASSERT(recorded().starts_with(of_second) && recorded().size() > of_second.size());
  }

  void no_file_means_nothing_to_do() { CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_))); }

  void a_corrupt_file_is_an_error_and_kills_nobody() {
    Script script("sleep 1000");
    assert_ok(record_session(file_, script.child().pid()));
    for (const std::string& text : {recorded() + "nonsense\n", recorded() + "boot 1 5\n", recorded() + "boot -5 5\n"}) {
      write_record(text);
      assert_fails(kill_leftovers(file_), Errc::corrupt, "remove the file");
      CPPUNIT_ASSERT_EQUAL(0, ::waitpid(script.child().pid(), nullptr, WNOHANG));
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LeftoversTest, "leftovers");

}  // namespace midair::sidecar
