#include <cppunit/extensions/HelperMacros.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "in_child.h"

extern "C" {
#include "gate_internal.h"
}

namespace midair {

namespace {

constexpr std::uint32_t kEndless = 60'000;  // ms; nothing here waits for so long

/// A thread that is inside of a call until it is told to leave.
class Caller {
 public:
  Caller() {
    std::promise<void> inside;
    auto went_in = inside.get_future();
    thread_ = std::thread([this, &inside] {
      midair_enter();
      inside.set_value();
      leave_.get_future().wait();
      midair_leave();
    });
    went_in.wait();
  }
  ~Caller() { leave(); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void leave() {
    if (!thread_.joinable()) return;
    leave_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> leave_;
  std::thread thread_;
};

/// What gated calls read and closers write: torn if ever a caller is inside while the gate is closed.
struct Guarded {
  std::uint64_t left = 0;
  std::uint64_t right = 0;
};

/// True if no call ever saw what it must not.
bool swap_under_load(int swaps) {
  Guarded guarded;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> torn{0};
  std::array<std::thread, 3> callers;
  for (auto& caller : callers)
    caller = std::thread([&] {
      while (!stop) {
        midair_enter();
        if (guarded.left != guarded.right) ++torn;
        midair_leave();
        ++calls;
      }
    });
  for (int i = 0; i < swaps; ++i) {
    if (midair_gate_close(kEndless) != MIDAIR_OK) ++torn;
    ++guarded.left;
    ++guarded.right;
    midair_gate_open();
  }
  while (calls < 1000) std::this_thread::yield();
  stop = true;
  for (auto& caller : callers) caller.join();
  return torn == 0;
}

}  // namespace

class GateTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GateTest);
  CPPUNIT_TEST(lets_calls_through_and_counts_them_as_inside);
  CPPUNIT_TEST(closing_waits_for_who_is_inside);
  CPPUNIT_TEST(closing_gives_up_at_its_deadline_and_opens_again);
  CPPUNIT_TEST(holds_new_callers_until_it_opens);
  CPPUNIT_TEST(a_call_within_a_call_goes_through_a_closing_gate);
  CPPUNIT_TEST(refuses_to_be_closed_from_inside);
  CPPUNIT_TEST(has_one_closer_at_a_time);
  CPPUNIT_TEST(a_thread_that_ends_inside_has_left);
  CPPUNIT_TEST(serves_more_threads_than_ever_live_at_once);
  CPPUNIT_TEST(nobody_is_inside_while_it_is_closed);
  CPPUNIT_TEST(nobody_is_inside_while_it_is_closed_without_membarrier);
  CPPUNIT_TEST(is_open_in_the_child_of_a_fork);
  CPPUNIT_TEST(works_in_the_child_of_a_fork_from_inside_a_call);
  CPPUNIT_TEST(refuses_everybody_once_retired);
  CPPUNIT_TEST_SUITE_END();

  void lets_calls_through_and_counts_them_as_inside() {
    CPPUNIT_ASSERT(!midair_inside());
    CPPUNIT_ASSERT(midair_enter());
    CPPUNIT_ASSERT(midair_inside());
    midair_leave();
    CPPUNIT_ASSERT(!midair_inside());
  }

  void closing_waits_for_who_is_inside() {
    Caller caller;
    auto closed = std::async(std::launch::async, [] { return midair_gate_close(kEndless); });
    CPPUNIT_ASSERT(closed.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    caller.leave();
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, closed.get());
    midair_gate_open();
  }

  void closing_gives_up_at_its_deadline_and_opens_again() {
    const Caller busy;
    CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_gate_close(10));
    std::thread([] {
      CPPUNIT_ASSERT(midair_enter());
      midair_leave();
    }).join();
  }

  void holds_new_callers_until_it_opens() {
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    auto held = std::async(std::launch::async, [] {
      const bool in = midair_enter();
      midair_leave();
      return in;
    });
    CPPUNIT_ASSERT(held.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    midair_gate_open();
    CPPUNIT_ASSERT(held.get());
  }

  void a_call_within_a_call_goes_through_a_closing_gate() {
    CPPUNIT_ASSERT(midair_enter());
    auto closed = std::async(std::launch::async, [] { return midair_gate_close(kEndless); });
    CPPUNIT_ASSERT(closed.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
    CPPUNIT_ASSERT(midair_enter());
    midair_leave();
    CPPUNIT_ASSERT(closed.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
    midair_leave();
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, closed.get());
    midair_gate_open();
  }

  void refuses_to_be_closed_from_inside() {
    midair_enter();
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OUT_OF_ORDER, midair_gate_close(kEndless));
    midair_leave();
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    midair_gate_open();
  }

  void has_one_closer_at_a_time() {
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_gate_close(kEndless));
    midair_gate_open();
  }

  void a_thread_that_ends_inside_has_left() {
    std::thread([] { midair_enter(); }).join();
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    midair_gate_open();
  }

  void serves_more_threads_than_ever_live_at_once() {
    for (int round = 0; round < 100; ++round) {
      std::array<std::thread, 4> threads;
      for (auto& thread : threads)
        thread = std::thread([] {
          midair_enter();
          midair_leave();
        });
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
      midair_gate_open();
      for (auto& thread : threads) thread.join();
    }
  }

  void nobody_is_inside_while_it_is_closed() { CPPUNIT_ASSERT(swap_under_load(2000)); }

  void nobody_is_inside_while_it_is_closed_without_membarrier() {
    in_child([] {
      midair_gate_use_fences();
      CPPUNIT_ASSERT(swap_under_load(500));
    });
  }

  void is_open_in_the_child_of_a_fork() {
    CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    in_child([] {
      CPPUNIT_ASSERT(midair_enter());
      midair_leave();
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(kEndless));
    });
    midair_gate_open();
  }

  void works_in_the_child_of_a_fork_from_inside_a_call() {
    const Caller other;  // no such thread in the child
    midair_enter();
    in_child([] {
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OUT_OF_ORDER, midair_gate_close(0));
      midair_leave();
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_gate_close(0));
    });
    midair_leave();
  }

  void refuses_everybody_once_retired() {
    in_child([] {
      midair_gate_close(kEndless);
      auto held = std::async(std::launch::async, [] { return midair_enter(); });
      held.wait_for(std::chrono::milliseconds(10));
      midair_gate_retire();
      CPPUNIT_ASSERT(!held.get());
      CPPUNIT_ASSERT(!midair_enter());
      CPPUNIT_ASSERT(!midair_inside());
    });
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(GateTest, "gate");

}  // namespace midair
