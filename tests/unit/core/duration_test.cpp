#include "midair/duration.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class DurationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DurationTest);
  CPPUNIT_TEST(reads_every_unit);
  CPPUNIT_TEST(refuses_what_is_no_duration);
  CPPUNIT_TEST(writes_the_shortest_exact_form);
  CPPUNIT_TEST_SUITE_END();

  void reads_every_unit() {
    using std::chrono::milliseconds;
    CPPUNIT_ASSERT(parse_duration("200ms").value() == milliseconds(200));
    CPPUNIT_ASSERT(parse_duration("10s").value() == milliseconds(10'000));
    CPPUNIT_ASSERT(parse_duration("5m").value() == milliseconds(300'000));
    CPPUNIT_ASSERT(parse_duration("24h").value() == milliseconds(86'400'000));
    CPPUNIT_ASSERT(parse_duration("0").value() == milliseconds(0));
  }

  void refuses_what_is_no_duration() {
    for (const char* text :
         {"", "s", "-1s", "1.5s", "10 s", "10d", "10sx", "1", "10", "00", "99999999999999999999", "9999999h"}) {
      const auto parsed = parse_duration(text);
      CPPUNIT_ASSERT_MESSAGE(text, !parsed.ok());
      CPPUNIT_ASSERT(parsed.error().code == Errc::bad_input);
    }
  }

  void writes_the_shortest_exact_form() {
    for (const char* text : {"0s", "1500ms", "10s", "5m", "24h", "90s"})
      CPPUNIT_ASSERT_EQUAL(std::string(text), format_duration(parse_duration(text).value()));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(DurationTest, "duration");

}  // namespace midair
