#include "process/leftovers.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "loop/process_table.h"
#include "midair/durable_file.h"
#include "script.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class LeftoversTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LeftoversTest);
  CPPUNIT_TEST(a_recorded_session_is_killed_with_all_its_groups);
  CPPUNIT_TEST(what_bears_the_marker_is_killed_and_what_descends_from_it);
  CPPUNIT_TEST(what_has_its_subreaper_is_killed_by_descent);
  CPPUNIT_TEST(a_record_of_an_earlier_version_is_understood);
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

  /// As if it had been killed together with the sidecar: the main process goes with it, the rest is left.
  static void kill_subreaper(Script& script) {
    const pid_t subreaper = script.child().tree().root.pid;
    ::kill(subreaper, SIGKILL);
    CPPUNIT_ASSERT_EQUAL(subreaper, ::waitpid(subreaper, nullptr, 0));
    await_zombie_or_gone(script.child().pid());
  }
  static void await_zombie_or_gone(pid_t pid) {
    if (process_stat(pid)) await_zombie(pid);
  }

  static SpawnSpec marked(const std::string& text, std::optional<std::string> marker = "run.1") {
    return {{"/bin/bash", "-c", text}, {}, {{kMarkerVariable, std::move(marker)}}, {}};  // dash has no job control here
  }

  void a_recorded_session_is_killed_with_all_its_groups() {
    Script script(marked("set -m; sleep 1000 & sleep 1000 & echo ready >&3; wait", std::nullopt));
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_tree(file_, script.child().tree()));
    kill_subreaper(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), value_of(kill_leftovers(file_)));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
    CPPUNIT_ASSERT(!fs::exists(file_));
  }

  void what_bears_the_marker_is_killed_and_what_descends_from_it() {
    Script script(marked("setsid bash -c 'env -i setsid sleep 1000 & echo ready >&3; wait' & wait"));
    Script other(marked("setsid sleep 1000 & echo ready >&3; wait", "run.11"));
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), other.line());
    assert_ok(record_tree(file_, script.child().tree()));
    kill_subreaper(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), value_of(kill_leftovers(file_)));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
    CPPUNIT_ASSERT(other.child().lives());
  }

  void what_has_its_subreaper_is_killed_by_descent() {
    Script script("env -i setsid setsid -f sleep 1000; echo ready >&3; sleep 1000; true");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_tree(file_, script.child().tree()));
    std::thread looks([&] { await_over(script.child()); });  // its subreaper is waited for, which waits for us
    const auto killed = kill_leftovers(file_);
    looks.join();
    CPPUNIT_ASSERT_EQUAL(std::size_t(3), value_of(killed));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
  }

  void a_record_of_an_earlier_version_is_understood() {
    Script script("sleep 1000 & echo ready >&3; wait");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_tree(file_, script.child().tree()));
    write_record(of_session(recorded()));
    kill_subreaper(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), value_of(kill_leftovers(file_)));
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
  }

  /// The first three words of a line, which are all that version 0.1 knew.
  static std::string of_session(const std::string& line) {
    std::istringstream words(line);
    std::string boot_id;
    std::string pid;
    std::string start;
    words >> boot_id >> pid >> start;
    return boot_id + " " + pid + " " + start + "\n";
  }

  void a_pid_that_is_another_process_by_now_is_left_alone() {
    Script script("echo ready >&3; read line; sleep 1000");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(record_tree(file_, script.child().tree()));
    const std::string line = of_session(recorded());
    write_record(line.substr(0, line.rfind(' ')) + " 1\n");  // as if the recorded one had started at the first tick
    CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_)));
    assert_ok(script.child().signal(SIGTERM));
    CPPUNIT_ASSERT_EQUAL(128 + SIGTERM, await_end(script.child()).code());
  }

  void a_record_of_another_boot_is_left_alone() {
    Script script("sleep 1000");
    assert_ok(record_tree(file_, script.child().tree()));
    write_record("00000000-0000-0000-0000-000000000000" + recorded().substr(36));
    CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_)));
  }

  void recording_forgets_what_has_ended() {
    Script first("exit 0");
    assert_ok(record_tree(file_, first.child().tree()));
    const std::string of_first = recorded();
    await_over(first.child());
    CPPUNIT_ASSERT_EQUAL(first.child().tree().root.pid, ::waitpid(first.child().tree().root.pid, nullptr, 0));
    Script second("sleep 1000");
    assert_ok(record_tree(file_, second.child().tree()));
    const std::string of_second = recorded();
    CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t(1), std::count(of_second.begin(), of_second.end(), '\n'));
    CPPUNIT_ASSERT(of_first != of_second);
    Script third("sleep 1000");
    assert_ok(record_tree(file_, third.child().tree()));
    CPPUNIT_ASSERT(recorded().starts_with(of_second) && recorded().size() > of_second.size());
  }

  void no_file_means_nothing_to_do() { CPPUNIT_ASSERT_EQUAL(std::size_t(0), value_of(kill_leftovers(file_))); }

  void a_corrupt_file_is_an_error_and_kills_nobody() {
    Script script("sleep 1000");
    assert_ok(record_tree(file_, script.child().tree()));
    for (const std::string& text : {recorded() + "nonsense\n", recorded() + "boot 1 5\n", recorded() + "boot -5 5\n",
                                    recorded() + "boot 5 5 6\n"}) {
      write_record(text);
      assert_fails(kill_leftovers(file_), Errc::corrupt, "remove the file");
      CPPUNIT_ASSERT(script.child().lives());
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LeftoversTest, "leftovers");

}  // namespace midair::sidecar
