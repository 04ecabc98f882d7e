#include "loop/watchdog.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <functional>
#include <string>

#include "result_asserts.h"

namespace midair::sidecar {

using namespace std::chrono_literals;

namespace {

constexpr int kLeftAlone = 42;
constexpr unsigned kDeadline = 20;  // seconds, for whatever stands still

/// How a process ends that does `work`.
int status_of(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kDeadline);
    work();
    ::_exit(kLeftAlone);
  }
  int status = 0;
  CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
  CPPUNIT_ASSERT(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/// A process that runs until it is killed, or until the deadline.
pid_t app() {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(kDeadline);
  for (;;) ::pause();
}

/// The loop stands still until the watchdog has looked that often.
void stand_still(int looks) {
  for (int i = 0; i < looks; ++i) ::pause();
}

/// Makes standard error a pipe that is full and that nobody reads.
void fill_stderr() {
  std::array<int, 2> ends{};
  CPPUNIT_ASSERT_EQUAL(0, ::pipe2(ends.data(), O_NONBLOCK));
  const std::string much(PIPE_BUF, 'x');
  while (::write(ends[1], much.data(), much.size()) > 0) continue;
  ::fcntl(ends[1], F_SETFL, 0);
  CPPUNIT_ASSERT_EQUAL(STDERR_FILENO, ::dup2(ends[1], STDERR_FILENO));
}

}  // namespace

class WatchdogTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WatchdogTest);
  CPPUNIT_TEST(it_ends_a_standstill_while_nobody_serves);
  CPPUNIT_TEST(it_leaves_a_standstill_alone_while_the_app_serves);
  CPPUNIT_TEST(it_ends_a_standstill_once_the_app_has_ended);
  CPPUNIT_TEST(it_knows_of_an_app_that_was_reaped);
  CPPUNIT_TEST(a_loop_that_turns_is_left_alone);
  CPPUNIT_TEST(without_it_nothing_is_ended);
  CPPUNIT_TEST(it_does_not_wait_for_a_reader_of_its_line);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::atomic<pid_t> serving_{0};

  std::unique_ptr<Watchdog> watchdog(std::chrono::milliseconds limit) {
    return value_of(Watchdog::start(*loop_, limit, serving_));
  }

  void it_ends_a_standstill_while_nobody_serves() {
    CPPUNIT_ASSERT_EQUAL(EX_SOFTWARE, status_of([this] {
                           const auto dog = watchdog(20ms);
                           stand_still(1);
                         }));
  }

  void it_leaves_a_standstill_alone_while_the_app_serves() {
    CPPUNIT_ASSERT_EQUAL(kLeftAlone, status_of([this] {
                           serving_ = app();
                           const auto dog = watchdog(20ms);
                           stand_still(3);
                           ::kill(serving_, SIGKILL);
                         }));
  }

  void it_ends_a_standstill_once_the_app_has_ended() {
    CPPUNIT_ASSERT_EQUAL(EX_SOFTWARE, status_of([this] {
                           serving_ = app();
                           const auto dog = watchdog(20ms);
                           stand_still(1);
                           ::kill(serving_, SIGKILL);
                           for (;;) ::pause();
                         }));
  }

  void it_knows_of_an_app_that_was_reaped() {
    CPPUNIT_ASSERT_EQUAL(EX_SOFTWARE, status_of([this] {
                           serving_ = app();
                           ::kill(serving_, SIGKILL);
                           ::waitpid(serving_, nullptr, 0);
                           const auto dog = watchdog(20ms);
                           stand_still(1);
                         }));
  }

  void a_loop_that_turns_is_left_alone() {
    CPPUNIT_ASSERT_EQUAL(kLeftAlone, status_of([this] {
                           const auto dog = watchdog(2s);
                           const auto end = loop_->after(3s, [this] { loop_->quit(); });
                           loop_->run();
                         }));
  }

  void without_it_nothing_is_ended() {
    CPPUNIT_ASSERT_EQUAL(kLeftAlone, status_of([this] {
                           watchdog(1s).reset();  // the machine may be slow to come to it
                           ::usleep(1'100'000);
                         }));
  }

  void it_does_not_wait_for_a_reader_of_its_line() {
    CPPUNIT_ASSERT_EQUAL(EX_SOFTWARE, status_of([this] {
                           fill_stderr();
                           const auto dog = watchdog(20ms);
                           stand_still(1);
                         }));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(WatchdogTest, "watchdog");

}  // namespace midair::sidecar
