#include "midair/human.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class HumanTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HumanTest);
  CPPUNIT_TEST(ages_have_at_most_two_units);
  CPPUNIT_TEST(durations_of_steps_fit_their_scale);
  CPPUNIT_TEST(sizes_fit_their_scale);
  CPPUNIT_TEST(images_are_named_by_their_end);
  CPPUNIT_TEST_SUITE_END();

  static void same(const std::string& expected, const std::string& actual) { CPPUNIT_ASSERT_EQUAL(expected, actual); }

  void ages_have_at_most_two_units() {
    using namespace std::chrono_literals;
    same("0s", format_age(-5s));
    same("59s", format_age(59s));
    same("4m", format_age(240s));
    same("4m 5s", format_age(245s));
    same("3h 2m", format_age(3h + 2min + 1s));
    same("5d 1h", format_age(121h));
  }

  void durations_of_steps_fit_their_scale() {
    using namespace std::chrono_literals;
    same("0 ms", format_took(1us));
    same("35 ms", format_took(35ms));
    same("1.0 s", format_took(1s));
    same("2.1 s", format_took(2100ms));
    same("1m 1s", format_took(61s));
  }

  void sizes_fit_their_scale() {
    same("0 B", format_size(0));
    same("1023 B", format_size(1023));
    same("1.0 KiB", format_size(1024));
    same("4.4 MiB", format_size(4'630'246));
    same("2048.0 TiB", format_size(2048ULL << 40));
  }

  void images_are_named_by_their_end() {
    same("01JBASE", short_image("registry.fly.io/web:deployment-01JBASE"));
    same("v3", short_image("registry.fly.io/web:v3"));
    same("web", short_image("registry.fly.io/web"));
    same("plain", short_image("plain"));
    same("", short_image(""));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HumanTest, "human");

}  // namespace midair
