#include "midair/backoff.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <vector>

namespace midair {

class BackoffTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(BackoffTest);
  CPPUNIT_TEST(delays_stay_below_a_ceiling_that_doubles_up_to_the_cap);
  CPPUNIT_TEST(delays_use_the_whole_range);
  CPPUNIT_TEST(chance_decides_the_share_that_it_is_given);
  CPPUNIT_TEST(a_server_that_asks_for_a_pause_gets_it_up_to_ten_minutes);
  CPPUNIT_TEST(success_begins_anew);
  CPPUNIT_TEST(a_seed_repeats);
  CPPUNIT_TEST_SUITE_END();

  using milliseconds = std::chrono::milliseconds;

  void delays_stay_below_a_ceiling_that_doubles_up_to_the_cap() {
    for (unsigned seed = 0; seed < 100; ++seed) {
      Backoff backoff({milliseconds(100), milliseconds(1000)}, seed);
      for (const int ceiling : {100, 200, 400, 800, 1000, 1000, 1000}) {
        const auto delay = backoff.next();
        CPPUNIT_ASSERT(delay >= milliseconds(0) && delay <= milliseconds(ceiling));
      }
    }
  }

  void delays_use_the_whole_range() {
    Backoff backoff({milliseconds(1000), milliseconds(1000)}, 1);
    std::vector<milliseconds> delays(1000);
    std::ranges::generate(delays, [&] { return backoff.next(); });
    CPPUNIT_ASSERT(*std::ranges::min_element(delays) < milliseconds(50));
    CPPUNIT_ASSERT(*std::ranges::max_element(delays) > milliseconds(950));
  }

  void chance_decides_the_share_that_it_is_given() {
    Backoff steady({.first = milliseconds(200), .highest = milliseconds(500), .factor = 1.5, .jitter = 0});
    for (const int expected : {200, 300, 450, 500, 500}) CPPUNIT_ASSERT(steady.next() == milliseconds(expected));
    Backoff varied({.first = milliseconds(1000), .highest = milliseconds(1000), .factor = 2, .jitter = 0.2});
    for (int i = 0; i < 1000; ++i) {
      const auto delay = varied.next();
      CPPUNIT_ASSERT(delay >= milliseconds(800) && delay <= milliseconds(1000));
    }
  }

  void a_server_that_asks_for_a_pause_gets_it_up_to_ten_minutes() {
    Backoff backoff({milliseconds(10), milliseconds(10)});
    Error error;
    CPPUNIT_ASSERT(backoff.after(error) <= milliseconds(10));
    error.retry_after = std::chrono::seconds(60);
    const auto delay = backoff.after(error);
    CPPUNIT_ASSERT(delay >= std::chrono::seconds(60) && delay <= std::chrono::seconds(61));
    error.retry_after = std::chrono::hours(24);
    CPPUNIT_ASSERT(backoff.after(error) <= std::chrono::minutes(11));
  }

  void success_begins_anew() {
    Backoff backoff({milliseconds(10), std::chrono::hours(1)}, 1);
    for (int i = 0; i < 20; ++i) (void)backoff.next();
    backoff.reset();
    CPPUNIT_ASSERT(backoff.next() <= milliseconds(10));
  }

  void a_seed_repeats() {
    Backoff one({milliseconds(100), milliseconds(1000)}, 7);
    Backoff two({milliseconds(100), milliseconds(1000)}, 7);
    for (int i = 0; i < 10; ++i) CPPUNIT_ASSERT(one.next() == two.next());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(BackoffTest, "backoff");

}  // namespace midair
