#include "process/signals.h"

#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <vector>

#include "script.h"

namespace midair::sidecar {

class SignalsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SignalsTest);
  CPPUNIT_TEST(what_a_supervisor_forwards_arrives_on_the_loop);
  CPPUNIT_TEST(the_end_of_a_child_arrives_as_chld);
  CPPUNIT_TEST(a_broken_pipe_kills_nobody);
  CPPUNIT_TEST(it_may_be_destroyed_in_its_own_callback);
  CPPUNIT_TEST(the_mask_is_as_before_when_it_is_gone);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::vector<int> seen_;

  std::unique_ptr<SignalWatch> watch_until(int last) {
    return value_of(SignalWatch::create(*loop_, [this, last](int signo) {
      seen_.push_back(signo);
      if (signo == last) loop_->quit();
    }));
  }

  void what_a_supervisor_forwards_arrives_on_the_loop() {
    const auto watch = watch_until(SIGRTMAX);
    for (const int signo : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT, SIGRTMIN}) {
      seen_.clear();
      ::kill(::getpid(), signo);
      ::kill(::getpid(), SIGRTMAX);  // the last in line, so everything before it has been delivered
      loop_->run();
      CPPUNIT_ASSERT_EQUAL(signo, seen_.front());
    }
  }

  void the_end_of_a_child_arrives_as_chld() {
    const auto watch = watch_until(SIGCHLD);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(SIGCHLD, seen_.back());
    CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, nullptr, 0));
  }

  void a_broken_pipe_kills_nobody() {
    const auto watch = watch_until(SIGTERM);
    Pipe pipe;
    pipe.read_end.reset();
    CPPUNIT_ASSERT_EQUAL(ssize_t(-1), ::write(pipe.write_end.get(), "x", 1));
    CPPUNIT_ASSERT_EQUAL(EPIPE, errno);
  }

  void it_may_be_destroyed_in_its_own_callback() {
    std::unique_ptr<SignalWatch> watch;
    watch = value_of(SignalWatch::create(*loop_, [&](int) {
      watch.reset();
      loop_->quit();
    }));
    ::kill(::getpid(), SIGUSR1);
    loop_->run();
    CPPUNIT_ASSERT(watch == nullptr);
  }

  void the_mask_is_as_before_when_it_is_gone() {
    const auto blocks_term = [] {
      sigset_t mask{};
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      return ::sigismember(&mask, SIGTERM) == 1;
    };
    {
      const auto watch = watch_until(SIGTERM);
      CPPUNIT_ASSERT(blocks_term());
    }
    CPPUNIT_ASSERT(!blocks_term());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SignalsTest, "signals");

}  // namespace midair::sidecar
