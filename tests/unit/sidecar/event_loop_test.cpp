#include "loop/event_loop.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <string>
#include <system_error>
#include <thread>

#include "result_asserts.h"

namespace midair::sidecar {

using std::chrono::milliseconds;

class EventLoopTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EventLoopTest);
  CPPUNIT_TEST(timers_fire_in_the_order_of_their_deadlines);
  CPPUNIT_TEST(equal_deadlines_fire_in_the_order_of_making);
  CPPUNIT_TEST(a_timer_never_fires_early);
  CPPUNIT_TEST(timers_go_by_the_clock_that_was_given);
  CPPUNIT_TEST(a_cancelled_timer_does_not_fire);
  CPPUNIT_TEST(a_timer_may_replace_itself_in_its_own_callback);
  CPPUNIT_TEST(a_later_timer_still_fires_after_an_earlier_one_was_cancelled);
  CPPUNIT_TEST(a_timer_that_sets_itself_anew_does_not_starve_descriptors);
  CPPUNIT_TEST(a_watch_reports_what_is_ready);
  CPPUNIT_TEST(a_watch_may_end_itself_in_its_own_callback);
  CPPUNIT_TEST(a_watch_ended_by_another_of_the_same_round_is_silent);
  CPPUNIT_TEST(a_moved_watch_goes_on);
  CPPUNIT_TEST(a_watch_of_a_closed_descriptor_throws);
  CPPUNIT_TEST(posts_of_other_threads_arrive_in_order);
  CPPUNIT_TEST(quit_before_run_ends_it_at_once_and_only_once);
  CPPUNIT_TEST(another_thread_may_quit);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());

  /// A descriptor that is readable from the start.
  static Fd readable() { return Fd(::eventfd(1, EFD_CLOEXEC)); }

  void timers_fire_in_the_order_of_their_deadlines() {
    std::string order;
    const auto c = loop_->after(milliseconds(6), [&] {
      order += 'c';
      loop_->quit();
    });
    const auto a = loop_->after(milliseconds(0), [&] { order += 'a'; });
    const auto b = loop_->after(milliseconds(3), [&] { order += 'b'; });
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), order);
  }

  void equal_deadlines_fire_in_the_order_of_making() {
    std::string order;
    std::vector<EventLoop::Timer> timers;
    for (char name = 'a'; name <= 'e'; ++name)
      timers.push_back(loop_->after(milliseconds(2), [&order, name] { order += name; }));
    timers.push_back(loop_->after(milliseconds(3), [&] { loop_->quit(); }));
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(std::string("abcde"), order);
  }

  void a_timer_never_fires_early() {
    for (const int ms : {0, 1, 7}) {
      const BootTime start = system_clock().now();
      const auto timer = loop_->after(milliseconds(ms), [&] { loop_->quit(); });
      loop_->run();
      CPPUNIT_ASSERT(system_clock().now() - start >= milliseconds(ms));
    }
  }

  void timers_go_by_the_clock_that_was_given() {
    ManualClock clock;
    const auto loop = value_of(EventLoop::create(clock));
    bool fired = false;
    const auto timer = loop->after(std::chrono::hours(1), [&] {
      fired = true;
      loop->quit();
    });
    loop->post([&] {
      clock.advance(std::chrono::hours(1) - milliseconds(1));
      loop->post([&] {
        CPPUNIT_ASSERT(!fired);
        clock.advance(milliseconds(1));
      });
    });
    loop->run();
    CPPUNIT_ASSERT(fired);
  }

  void a_cancelled_timer_does_not_fire() {
    bool fired = false;
    auto timer = loop_->after(milliseconds(1), [&] { fired = true; });
    const auto end = loop_->after(milliseconds(4), [&] { loop_->quit(); });
    timer.reset();
    loop_->run();
    CPPUNIT_ASSERT(!fired);
  }

  void a_timer_may_replace_itself_in_its_own_callback() {
    int count = 0;
    EventLoop::Timer timer;
    std::function<void()> again = [&] {
      if (++count == 5) return loop_->quit();
      timer = loop_->after(milliseconds(0), again);
    };
    timer = loop_->after(milliseconds(0), again);
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(5, count);
  }

  void a_later_timer_still_fires_after_an_earlier_one_was_cancelled() {
    auto early = loop_->after(milliseconds(2), [] {});
    const auto late = loop_->after(milliseconds(5), [&] { loop_->quit(); });
    loop_->post([&] { early.reset(); });
    loop_->run();
  }

  void a_timer_that_sets_itself_anew_does_not_starve_descriptors() {
    EventLoop::Timer timer;
    std::function<void()> again = [&] { timer = loop_->after(milliseconds(0), again); };
    again();
    const Fd ready = readable();
    const auto watch = loop_->watch(ready.get(), EPOLLIN, [&](std::uint32_t) { loop_->quit(); });
    loop_->run();
  }

  void a_watch_reports_what_is_ready() {
    const Fd ready = readable();
    std::uint32_t seen = 0;
    const auto watch = loop_->watch(ready.get(), EPOLLIN | EPOLLPRI, [&](std::uint32_t events) {
      seen = events;
      loop_->quit();
    });
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(static_cast<std::uint32_t>(EPOLLIN), seen);
  }

  void a_watch_may_end_itself_in_its_own_callback() {
    const Fd ready = readable();
    EventLoop::Watch watch;
    int calls = 0;
    std::string captured = "a text long enough to live on the heap, where ASan sees it die";
    watch = loop_->watch(ready.get(), EPOLLIN, [&, captured](std::uint32_t) {
      watch.reset();
      calls += captured.empty() ? 100 : 1;
    });
    const auto end = loop_->after(milliseconds(3), [&] { loop_->quit(); });
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(1, calls);
  }

  void a_watch_ended_by_another_of_the_same_round_is_silent() {
    const Fd one = readable();
    const Fd two = readable();
    EventLoop::Watch first;
    EventLoop::Watch second;
    int calls = 0;
    const auto end_both = [&](std::uint32_t) {
      ++calls;
      first.reset();
      second.reset();
    };
    first = loop_->watch(one.get(), EPOLLIN, end_both);
    second = loop_->watch(two.get(), EPOLLIN, end_both);
    const auto end = loop_->after(milliseconds(3), [&] { loop_->quit(); });
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(1, calls);
  }

  void a_moved_watch_goes_on() {
    const Fd ready = readable();
    EventLoop::Watch first = loop_->watch(ready.get(), EPOLLIN, [&](std::uint32_t) { loop_->quit(); });
    const EventLoop::Watch second = std::move(first);
    loop_->run();
  }

  void a_watch_of_a_closed_descriptor_throws() {
    CPPUNIT_ASSERT_THROW((void)loop_->watch(-1, EPOLLIN, [](std::uint32_t) {}), std::system_error);
  }

  void posts_of_other_threads_arrive_in_order() {
    constexpr int kThreads = 4;
    constexpr int kPosts = 500;
    std::vector<std::vector<int>> seen(kThreads);
    int total = 0;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kPosts; ++i)
          loop_->post([&, t, i] {
            seen[t].push_back(i);
            if (++total == kThreads * kPosts) loop_->quit();
          });
      });
    loop_->run();
    for (auto& thread : threads) thread.join();
    for (const auto& numbers : seen) {
      CPPUNIT_ASSERT_EQUAL(static_cast<std::size_t>(kPosts), numbers.size());
      for (int i = 0; i < kPosts; ++i) CPPUNIT_ASSERT_EQUAL(i, numbers[i]);
    }
  }

  void quit_before_run_ends_it_at_once_and_only_once() {
    bool fired = false;
    const auto timer = loop_->after(milliseconds(0), [&] {
      fired = true;
      loop_->quit();
    });
    loop_->quit();
    loop_->run();
    CPPUNIT_ASSERT(!fired);
    loop_->run();
    CPPUNIT_ASSERT(fired);
  }

  void another_thread_may_quit() {
    std::thread other([&] { loop_->quit(); });
    loop_->run();
    other.join();
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(EventLoopTest, "event_loop");

}  // namespace midair::sidecar
