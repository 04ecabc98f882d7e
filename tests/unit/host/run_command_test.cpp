#include "midair/host/run_command.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <thread>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::host {

using namespace std::chrono_literals;

class RunCommandTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RunCommandTest);
  CPPUNIT_TEST(output_and_status_come_back);
  CPPUNIT_TEST(a_large_output_is_read_whole);
  CPPUNIT_TEST(a_program_that_is_not_there_is_an_error);
  CPPUNIT_TEST(it_gets_the_given_environment_and_no_descriptors);
  CPPUNIT_TEST(the_deadline_ends_the_whole_group);
  CPPUNIT_TEST(a_stop_request_ends_it);
  CPPUNIT_TEST(what_ignores_SIGTERM_is_killed);
  CPPUNIT_TEST(what_it_leaves_behind_is_killed_and_not_waited_for);
  CPPUNIT_TEST(too_much_output_ends_it);
  CPPUNIT_TEST_SUITE_END();

 private:
  static Result<CommandOutput> shell(const std::string& script, const CallLimits& limits = {60s},
                                     std::size_t max_output = 1 << 20) {
    return run_command({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "GREETING=hi"}}, limits, max_output);
  }

  /// True once nobody holds the write end of `fifo` open.
  static void await_end_of_file(int fd) {
    char c = 0;
    while (::read(fd, &c, 1) > 0) continue;
  }

  void output_and_status_come_back() {
    const auto output = value_of(shell("echo out; echo err >&2; exit 3"));
    CPPUNIT_ASSERT_EQUAL(std::string("out\n"), output.out);
    CPPUNIT_ASSERT_EQUAL(std::string("err\n"), output.err);
    CPPUNIT_ASSERT_EQUAL(3, output.status);
    CPPUNIT_ASSERT_EQUAL(128 + SIGUSR1, value_of(shell("kill -USR1 $$")).status);
  }

  void a_large_output_is_read_whole() {
    CPPUNIT_ASSERT_EQUAL(std::size_t{700'000}, value_of(shell("head -c 700000 /dev/zero")).out.size());
  }

  void a_program_that_is_not_there_is_an_error() {
    assert_fails(run_command({{"/nowhere/fly"}, {}}, {}, 100), Errc::not_found, "/nowhere/fly");
  }

  void it_gets_the_given_environment_and_no_descriptors() {
    const auto inherited = value_of(open_file("/dev/null", O_RDONLY));
    ::fcntl(inherited.get(), F_SETFD, 0);
    const auto output = value_of(shell("echo $GREETING$HOME; ls /proc/self/fd | wc -l; cat | wc -c"));
    CPPUNIT_ASSERT_EQUAL(std::string("hi\n4\n0\n"), output.out);  // ls has /proc/self/fd open itself
  }

  void the_deadline_ends_the_whole_group() {
    const TempDir dir;
    const std::string fifo = (dir / "alive").string();
    CPPUNIT_ASSERT(::mkfifo(fifo.c_str(), 0600) == 0);
    const auto reader = value_of(open_file(fifo, O_RDONLY | O_NONBLOCK));
    assert_fails(shell("exec 3>" + fifo + "; sleep 1000 & sleep 1000", {300ms}), Errc::timeout, "/bin/sh");
    ::fcntl(reader.get(), F_SETFL, 0);
    await_end_of_file(reader.get());  // for ever, if one of them lived on
  }

  void a_stop_request_ends_it() {
    std::stop_source stop;
    std::jthread interrupt([&] {
      std::this_thread::sleep_for(50ms);
      stop.request_stop();
    });
    assert_fails(shell("sleep 1000", {60s, stop.get_token()}), Errc::cancelled);
    assert_fails(shell("sleep 1000", {60s, stop.get_token()}), Errc::cancelled);
  }

  void what_ignores_SIGTERM_is_killed() { assert_fails(shell("trap '' TERM; sleep 1000", {200ms}), Errc::timeout); }

  void what_it_leaves_behind_is_killed_and_not_waited_for() {
    const auto output = value_of(shell("sleep 1000 & echo $!"));
    const pid_t pid = std::stoi(output.out);
    // Killed already; an init that reaps late may keep its number for a while.
    while (::kill(pid, 0) == 0 &&
           read_file("/proc/" + std::to_string(pid) + "/stat", 4096).value().find(") Z") == std::string::npos)
      std::this_thread::yield();
  }

  void too_much_output_ends_it() {
    assert_fails(shell("yes", {60s}, 10'000), Errc::corrupt, "too much");
    assert_fails(shell("yes >&2", {60s}, 10'000), Errc::corrupt, "too much");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RunCommandTest, "run_command");

}  // namespace midair::host
