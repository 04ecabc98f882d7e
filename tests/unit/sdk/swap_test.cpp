#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <random>
#include <thread>

#include "in_child.h"
#include "sessions_app.h"
#include "temp_dir.h"

namespace midair {

class SwapTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SwapTest);
  CPPUNIT_TEST(new_code_gets_the_old_state);
  CPPUNIT_TEST(callers_keep_what_they_bound);
  CPPUNIT_TEST(no_call_fails_and_none_is_lost_while_code_changes);
  CPPUNIT_TEST(code_of_the_same_layout_takes_over_the_pointer);
  CPPUNIT_TEST(the_same_code_is_left_alone);
  CPPUNIT_TEST(a_hundred_failed_units_fail_the_migration_and_cost_nothing);
  CPPUNIT_TEST(a_content_that_the_new_code_disbelieves_fails_the_migration);
  CPPUNIT_TEST(many_units_are_migrated_by_many_threads);
  CPPUNIT_TEST(an_interrupted_migration_costs_nothing);
  CPPUNIT_TEST(going_back_brings_the_new_state_along_if_it_can_be_downgraded);
  CPPUNIT_TEST(going_back_without_a_downgrade_finds_the_state_from_before);
  CPPUNIT_TEST(going_back_to_the_same_layout_keeps_everything);
  CPPUNIT_TEST(after_a_commit_there_is_nothing_to_undo);
  CPPUNIT_TEST(random_states_survive_there_and_back);
  CPPUNIT_TEST(a_busy_caller_costs_the_others_no_more_than_the_deadline);
  CPPUNIT_TEST(a_module_that_does_not_suspend_lets_all_go_on);
  CPPUNIT_TEST(of_several_modules_all_are_swapped_or_none);
  CPPUNIT_TEST(a_module_that_does_not_resume_gives_the_old_one_back);
  CPPUNIT_TEST(a_suspension_ends_by_itself);
  CPPUNIT_TEST(refuses_what_cannot_work_before_anybody_is_suspended);
  CPPUNIT_TEST(refuses_old_code_behind_a_new_name);
  CPPUNIT_TEST(refuses_steps_out_of_order);
  CPPUNIT_TEST(refuses_a_swap_from_inside_a_call);
  CPPUNIT_TEST(a_crash_in_a_rehearsed_migration_costs_nothing);
  CPPUNIT_TEST(a_rehearsal_that_hangs_is_interrupted);
  CPPUNIT_TEST(twenty_swaps_in_a_row_keep_the_state);
  CPPUNIT_TEST_SUITE_END();

  void new_code_gets_the_old_state() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(1000);
      app.swap_to("v2");
      CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, app.units().succeeded);
      CPPUNIT_ASSERT_EQUAL(std::size_t{0}, app.units().failed);
      CPPUNIT_ASSERT(app.suspended_ns() > 0);
      CPPUNIT_ASSERT_EQUAL(2, app.version());
      CPPUNIT_ASSERT_EQUAL(std::string("session 999"), app.text(999));
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, app.visits(999));
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{1001}, app.add(1000, "one more"));
      app.succeed(app.commit());
      CPPUNIT_ASSERT_EQUAL(std::string("one more"), app.text(1000));
    });
  }

  void callers_keep_what_they_bound() {
    in_child([] {
      SessionsApp app("v1");
      const midair_call* const before = midair_bind("sessions", "version");
      app.swap_to("v2");
      CPPUNIT_ASSERT(before == midair_bind("sessions", "version"));
      CPPUNIT_ASSERT(midair_bind("sessions", "no such call") == nullptr);
      CPPUNIT_ASSERT(midair_bind("no such module", "version") == nullptr);
    });
  }

  void no_call_fails_and_none_is_lost_while_code_changes() {
    in_child([] {
      SessionsApp app("v1");
      std::atomic<bool> stop{false};
      std::array<std::uint64_t, 3> added{};
      std::array<std::thread, 3> callers;
      for (std::size_t i = 0; i < callers.size(); ++i)
        callers[i] = std::thread([&app, &stop, &added, i] {
          // Two threads only read: a module guards its own state against its own calls.
          while (!stop) {
            if (i == 0) app.add(++added[0], "added under way");
            app.version();
          }
        });
      for (int round = 0; round < 10; ++round) {
        app.swap_to(round % 2 == 0 ? "v2" : "v1");
        if (round % 2 == 0) {
          app.succeed(app.abort());
          app.swap_to("v2");
          app.succeed(app.abort());
        } else {
          app.succeed(app.abort());
        }
      }
      stop = true;
      for (auto& caller : callers) caller.join();
      CPPUNIT_ASSERT_EQUAL(added[0] + 1, app.add(0, "last"));
    });
  }

  void code_of_the_same_layout_takes_over_the_pointer() {
    in_child([] {
      SessionsApp app("v1_same_layout");
      app.add_many(10);
      const void* const state = midair_bind("sessions", "add")->state;
      app.swap_to("v1_same_layout_again");
      CPPUNIT_ASSERT(state == midair_bind("sessions", "add")->state);
      CPPUNIT_ASSERT_EQUAL(std::size_t{10}, app.units().succeeded);
      app.succeed(app.commit());
      CPPUNIT_ASSERT_EQUAL(std::string("session 9"), app.text(9));
    });
  }

  void the_same_code_is_left_alone() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(10);
      app.succeed(app.prepare("v1"));
      CPPUNIT_ASSERT(!midair_swap_changes(midair_find_module("sessions")));
      app.succeed(app.suspend());
      app.succeed(app.migrate());
      app.succeed(app.resume());
      app.succeed(app.commit());
      CPPUNIT_ASSERT_EQUAL(std::string("session 9"), app.text(9));
    });
  }

  void a_hundred_failed_units_fail_the_migration_and_cost_nothing() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(1000);
      app.succeed(app.prepare("dislikes_every_tenth"));
      app.succeed(app.suspend());
      app.fail(MIDAIR_FAILED, "100 of 1000 units failed, the first is 0: an id that ends with 0", app.migrate());
      CPPUNIT_ASSERT_EQUAL(std::size_t{900}, app.units().succeeded);
      CPPUNIT_ASSERT_EQUAL(std::size_t{100}, app.units().failed);
      app.fail(MIDAIR_OUT_OF_ORDER, "suspended", app.resume());
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      CPPUNIT_ASSERT_EQUAL(std::string("session 990"), app.text(990));
      app.swap_to("v2");
      CPPUNIT_ASSERT_EQUAL(std::string("session 990"), app.text(990));
    });
  }

  void a_content_that_the_new_code_disbelieves_fails_the_migration() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(5);
      app.succeed(app.prepare("loses_one"));
      app.succeed(app.suspend());
      app.fail(MIDAIR_FAILED, "a session was lost", app.migrate());
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(std::string("session 4"), app.text(4));
    });
  }

  void many_units_are_migrated_by_many_threads() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(20'000);
      app.swap_to("v2");
      CPPUNIT_ASSERT_EQUAL(std::size_t{20'000}, app.units().succeeded);
      for (std::uint64_t i = 0; i < 20'000; ++i) CPPUNIT_ASSERT_EQUAL("session " + std::to_string(i), app.text(i));
    });
  }

  void an_interrupted_migration_costs_nothing() {
    // How many units are tried, each a millisecond long, until all threads have heard of it.
    for (const auto& tried : {std::pair("is_slow", 20U), std::pair("is_slow_in_parallel", 1000U)})
      in_child([&] {
        SessionsApp app("v1");
        app.add_many(3000);
        app.succeed(app.prepare(tried.first));
        app.succeed(app.suspend());
        int left = 2;
        const midair_interrupt soon{[](void* count) { return --*static_cast<int*>(count) <= 0; }, &left};
        midair_units units{};
        midair_error error{};
        CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_swap_migrate(&soon, &units, &error));
        CPPUNIT_ASSERT(units.succeeded < tried.second);
        app.succeed(app.abort());
        CPPUNIT_ASSERT_EQUAL(std::string("session 2999"), app.text(2999));
      });
  }

  void going_back_brings_the_new_state_along_if_it_can_be_downgraded() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(10);
      app.swap_to("v2");
      app.add(77, "born in version 2");
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(std::string(), app.error());
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      CPPUNIT_ASSERT_EQUAL(std::string("born in version 2"), app.text(10));
    });
  }

  void going_back_without_a_downgrade_finds_the_state_from_before() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(10);
      app.swap_to("v2_without_way_back");
      app.add(77, "born in version 2");
      app.succeed(app.abort());
      CPPUNIT_ASSERT(app.error().find("the state from before the switch serves") != std::string::npos);
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      CPPUNIT_ASSERT_EQUAL(std::string("(none)"), app.text(10));
      CPPUNIT_ASSERT_EQUAL(std::string("session 9"), app.text(9));
    });
  }

  void going_back_to_the_same_layout_keeps_everything() {
    in_child([] {
      SessionsApp app("v1_same_layout");
      app.swap_to("v1_same_layout_again");
      app.add(1, "born in the newer code");
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(std::string("born in the newer code"), app.text(0));
    });
  }

  void after_a_commit_there_is_nothing_to_undo() {
    in_child([] {
      SessionsApp app("v1");
      app.swap_to("v2");
      app.succeed(app.commit());
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(2, app.version());
    });
  }

  void random_states_survive_there_and_back() {
    const std::mt19937_64::result_type seed = std::random_device()();
    for (int round = 0; round < 20; ++round)
      in_child([seed, round] {
        std::mt19937_64 random(seed + static_cast<unsigned>(round));
        SessionsApp app("v1");
        std::vector<std::string> texts(random() % 300);
        for (auto& text : texts) {
          text.resize(random() % 80);
          for (char& character : text) character = static_cast<char>(1 + random() % 255);
          app.add(random(), text);
        }
        app.swap_to("v2");
        app.succeed(app.abort());
        CPPUNIT_ASSERT_EQUAL(std::string(), app.error());
        for (std::size_t i = 0; i < texts.size(); ++i)
          CPPUNIT_ASSERT_EQUAL_MESSAGE("seed " + std::to_string(seed), texts[i], app.text(i));
        CPPUNIT_ASSERT_EQUAL(std::string("(none)"), app.text(texts.size()));
      });
  }

  void a_busy_caller_costs_the_others_no_more_than_the_deadline() {
    in_child([] {
      SessionsApp app("v1");
      app.succeed(app.prepare("v2"));
      std::promise<void> inside;
      std::promise<void> leave;
      std::thread busy([&] {
        midair_enter();
        inside.set_value();
        leave.get_future().wait();
        midair_leave();
      });
      inside.get_future().wait();
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_swap_suspend(20, kLong, &error));
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      leave.set_value();
      busy.join();
      app.succeed(app.suspend());  // what was prepared is still good
      app.succeed(app.migrate());
      app.succeed(app.resume());
      CPPUNIT_ASSERT_EQUAL(2, app.version());
    });
  }

  void a_module_that_does_not_suspend_lets_all_go_on() {
    in_child([] {
      SessionsApp app("never_suspends");
      app.succeed(app.prepare("v2"));
      app.fail(MIDAIR_FAILED, "a job runs", app.suspend());
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      app.succeed(app.abort());
    });
  }

  void of_several_modules_all_are_swapped_or_none() {
    in_child([] {
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_load_module(module_path("hits_good", "hits").c_str(), "hits", &error));
      SessionsApp app("v1");
      app.add_many(10);
      const auto prepare = [&](const std::string& sessions) {
        const std::array wanted{wanted_module("hits_better", "hits", build_id_of("hits_better", "hits")),
                                wanted_module(sessions, "sessions", build_id_of(sessions, "sessions"))};
        app.succeed(midair_swap_prepare(wanted.data(), wanted.size(), in_a_minute(), &error));
      };
      const auto runs = [](const std::string& hits) {
        return std::string(midair_find_module("hits")->now.code.table->version) == hits;
      };
      app.fail(MIDAIR_FAILED, "", app.prepare("v2"));  // a release has to have them all
      prepare("dislikes_every_tenth");
      app.succeed(app.suspend());
      app.fail(MIDAIR_FAILED, "1 of 10 units failed", app.migrate());
      app.succeed(app.abort());
      CPPUNIT_ASSERT(app.version() == 1 && runs("good"));
      prepare("never_resumes");
      app.succeed(app.suspend());
      app.succeed(app.migrate());
      app.fail(MIDAIR_FAILED, "no threads", app.resume());
      CPPUNIT_ASSERT(app.version() == 1 && runs("good"));
      prepare("v2");
      app.succeed(app.suspend());
      app.succeed(app.migrate());
      app.succeed(app.resume());
      CPPUNIT_ASSERT(app.version() == 2 && runs("better"));
    });
  }

  void a_module_that_does_not_resume_gives_the_old_one_back() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(10);
      app.succeed(app.prepare("never_resumes"));
      app.succeed(app.suspend());
      app.succeed(app.migrate());
      app.fail(MIDAIR_FAILED, "no threads", app.resume());
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      CPPUNIT_ASSERT_EQUAL(std::string("session 9"), app.text(9));
      app.swap_to("v2");
    });
  }

  void a_suspension_ends_by_itself() {
    in_child([] {
      SessionsApp app("v1");
      app.succeed(app.prepare("v2"));
      CPPUNIT_ASSERT_EQUAL(UINT64_MAX, midair_swap_hold_end());
      app.succeed(app.suspend());
      CPPUNIT_ASSERT(midair_swap_hold_end() < in_a_minute());
      midair_swap_expire();
      CPPUNIT_ASSERT_EQUAL(1, app.version());
      app.fail(MIDAIR_EXPIRED, "expired", app.migrate());
      app.fail(MIDAIR_EXPIRED, "expired", app.resume());
      app.succeed(app.abort());
      app.swap_to("v2");
    });
  }

  void refuses_what_cannot_work_before_anybody_is_suspended() {
    in_child([] {
      SessionsApp app("v1");
      app.fail(MIDAIR_FAILED, "doesn't offer the call 'visits', which is in use", app.prepare("lacks_a_call"));
      app.fail(MIDAIR_FAILED, "doesn't read the state 'sessions/1'", app.prepare("reads_nothing_older"));
      app.fail(MIDAIR_FAILED, "doesn't start: no disk", app.prepare("never_starts"));
      app.fail(MIDAIR_FAILED, "it cannot be opened", app.prepare_as("no_such_variant", "abcdef0123"));
      app.fail(MIDAIR_FAILED, "build id in the file", app.prepare_as("v2", SessionsApp::build_id_of("v1_again")));
      CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, midair_swap_prepare(nullptr, 0, in_a_minute(), nullptr));
      app.swap_to("v2");
    });
  }

  void refuses_old_code_behind_a_new_name() {
    in_child([] {
      const TempDir dir;
      const auto path = dir.path() / "sessions.so";
      std::filesystem::copy(module_path("v1", "sessions"), path);
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_load_module(path.c_str(), "sessions", &error));
      const auto other = dir.path() / "other.so";
      std::filesystem::copy(module_path("v2", "sessions"), other);
      std::filesystem::rename(other, path);  // dlopen() knows the path and gives what it has
      midair_code code{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, midair_open_module(path.c_str(), "sessions", nullptr, &code, &error));
      CPPUNIT_ASSERT_MESSAGE(error.text, std::string(error.text).starts_with("the build id in memory"));
    });
  }

  void refuses_steps_out_of_order() {
    in_child([] {
      SessionsApp app("v1");
      app.fail(MIDAIR_OUT_OF_ORDER, "nothing is under way", app.migrate());
      app.fail(MIDAIR_OUT_OF_ORDER, "nothing is under way", app.resume());
      app.succeed(app.abort());
      app.succeed(app.commit());
      app.succeed(app.prepare("v2"));
      app.fail(MIDAIR_OUT_OF_ORDER, "prepared", app.migrate());
      app.succeed(app.prepare("v2"));
      app.succeed(app.suspend());
      app.fail(MIDAIR_OUT_OF_ORDER, "suspended", app.suspend());
      app.fail(MIDAIR_OUT_OF_ORDER, "suspended", app.prepare("v2"));
      app.fail(MIDAIR_OUT_OF_ORDER, "suspended", app.commit());
      app.succeed(app.migrate());
      app.succeed(app.resume());
      app.fail(MIDAIR_OUT_OF_ORDER, "the new code serves", app.prepare("v1"));
    });
  }

  void refuses_a_swap_from_inside_a_call() {
    in_child([] {
      SessionsApp app("v1");
      app.succeed(app.prepare("v2"));
      midair_enter();
      app.fail(MIDAIR_OUT_OF_ORDER, "", app.suspend());
      midair_leave();
      app.succeed(app.suspend());
    });
  }

  void a_crash_in_a_rehearsed_migration_costs_nothing() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(100);
      app.succeed(app.prepare("crashes_in_rehearsal"));
      app.succeed(app.suspend());
      app.fail(MIDAIR_FAILED, "the migration crashes (signal 6)", app.migrate());
      app.succeed(app.abort());
      app.succeed(app.prepare("fails_in_rehearsal"));
      app.succeed(app.suspend());
      app.fail(MIDAIR_FAILED, "10 of 100 units failed", app.migrate());
      CPPUNIT_ASSERT_EQUAL(std::size_t{90}, app.units().succeeded);
      app.succeed(app.abort());
      app.swap_to("rehearses");
      CPPUNIT_ASSERT_EQUAL(std::size_t{100}, app.units().succeeded);
      CPPUNIT_ASSERT_EQUAL(std::string("session 13"), app.text(13));
    });
  }

  void a_rehearsal_that_hangs_is_interrupted() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(20);
      app.succeed(app.prepare("hangs_in_rehearsal"));
      app.succeed(app.suspend());
      const midair_interrupt now{[](void*) { return true; }, nullptr};
      midair_units units{};
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_swap_migrate(&now, &units, &error));
      app.succeed(app.abort());
      CPPUNIT_ASSERT_EQUAL(std::string("session 13"), app.text(13));
    });
  }

  void twenty_swaps_in_a_row_keep_the_state() {
    in_child([] {
      SessionsApp app("v1");
      app.add_many(50);
      for (int round = 0; round < 10; ++round)
        for (const char* variant : {"v1_again", "v1"}) {
          app.swap_to(variant);
          app.succeed(app.commit());
        }
      CPPUNIT_ASSERT_EQUAL(std::string("session 49"), app.text(49));
    });
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SwapTest, "swap");

}  // namespace midair
