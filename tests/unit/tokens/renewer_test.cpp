#include "renewer.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/log.h"

namespace midair::host::tokens {

using namespace std::chrono_literals;

class RenewerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RenewerTest);
  CPPUNIT_TEST(a_token_is_renewed_ahead_of_its_end);
  CPPUNIT_TEST(nothing_is_renewed_before_that);
  CPPUNIT_TEST(a_process_that_is_young_renews_nothing);
  CPPUNIT_TEST(a_failure_is_tried_again_until_the_end);
  CPPUNIT_TEST(stopping_ends_a_renewal_under_way);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { set_log_level(LogLevel::error); }

 private:
  static constexpr RenewalTimes kQuick{1h, 0ms, 1ms, 10ms};

  Result<void> note(const std::string& app) {
    const std::scoped_lock lock(mutex_);
    calls_ += app + " ";
    ++count_;
    changed_.notify_all();
    return {};
  }
  /** The calls so far, once there are `count`; more may come while the caller looks at them. */
  std::string await_calls(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
    return calls_;
  }
  static WallTime in(std::chrono::milliseconds time) { return system_clock().wall() + time; }

  void a_token_is_renewed_ahead_of_its_end() {
    Renewer renewer([&](const std::string& app, const CallLimits&) { return note(app); }, system_clock(), kQuick);
    renewer.schedule("app", in(1h + 20ms));
    CPPUNIT_ASSERT_EQUAL(std::string("app "), await_calls(1).substr(0, 4));
  }

  void nothing_is_renewed_before_that() {
    Renewer renewer([&](const std::string& app, const CallLimits&) { return note(app); }, system_clock(), kQuick);
    renewer.schedule("later", in(24h));
    renewer.schedule("now", in(1h));
    CPPUNIT_ASSERT_EQUAL(std::string::npos, await_calls(2).find("later"));
  }

  void a_process_that_is_young_renews_nothing() {
    Renewer renewer([&](const std::string& app, const CallLimits&) { return note(app); }, system_clock(),
                    RenewalTimes{1h, 1h, 1ms, 1ms});
    renewer.schedule("app", in(1min));
    renewer.stop();
    CPPUNIT_ASSERT_EQUAL(0, count_);
  }

  void a_failure_is_tried_again_until_the_end() {
    Renewer renewer(
        [&](const std::string& app, const CallLimits&) -> Result<void> {
          static_cast<void>(note(app).ok());
          return Error{Errc::unavailable, "renew", app, "no network"};
        },
        system_clock(), kQuick);
    renewer.schedule("expired", in(0ms));
    renewer.schedule("app", in(1min));
    CPPUNIT_ASSERT_EQUAL(std::string::npos, await_calls(3).find("expired"));
  }

  void stopping_ends_a_renewal_under_way() {
    std::condition_variable_any never;
    Renewer renewer(
        [&](const std::string& app, const CallLimits& limits) -> Result<void> {
          static_cast<void>(note(app).ok());
          std::unique_lock lock(mutex_);
          never.wait(lock, limits.stop, [] { return false; });
          return Error{Errc::cancelled, "renew", app, "interrupted"};
        },
        system_clock(), kQuick);
    renewer.schedule("app", in(1min));
    await_calls(1);
    renewer.stop();
    renewer.schedule("app", in(1min));  // comes too late, and does nothing
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string calls_;
  int count_ = 0;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RenewerTest, "renewer");

}  // namespace midair::host::tokens
