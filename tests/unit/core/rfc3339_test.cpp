#include <cppunit/extensions/HelperMacros.h>

#include "midair/clock.h"

namespace midair {

class Rfc3339Test : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(Rfc3339Test);
  CPPUNIT_TEST(reads_what_it_writes);
  CPPUNIT_TEST(reads_any_fraction);
  CPPUNIT_TEST(refuses_what_is_no_time_in_utc);
  CPPUNIT_TEST(refuses_times_that_cannot_be_counted_with);
  CPPUNIT_TEST_SUITE_END();

  void reads_what_it_writes() {
    const std::string text = "2026-11-20T21:09:25.241415Z";
    CPPUNIT_ASSERT_EQUAL(text, format_rfc3339(parse_rfc3339(text).value()));
  }

  void reads_any_fraction() {
    CPPUNIT_ASSERT_EQUAL(std::string("1970-01-01T00:00:01.000000Z"),
                         format_rfc3339(parse_rfc3339("1970-01-01T00:00:01Z").value()));
    CPPUNIT_ASSERT_EQUAL(std::string("1970-01-01T00:00:01.500000Z"),
                         format_rfc3339(parse_rfc3339("1970-01-01T00:00:01.5Z").value()));
    CPPUNIT_ASSERT_EQUAL(std::string("1970-01-01T00:00:01.123456Z"),
                         format_rfc3339(parse_rfc3339("1970-01-01T00:00:01.123456789Z").value()));
  }

  void refuses_what_is_no_time_in_utc() {
    for (const char* text : {"", "soon", "2026-11-20", "2026-11-20T21:09:25", "2026-11-20T21:09:25+01:00",
                             "2026-11-20T21:09:25Z ", "2026-13-20T21:09:25Z"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_rfc3339(text).has_value());
  }

  void refuses_times_that_cannot_be_counted_with() {
    CPPUNIT_ASSERT(parse_rfc3339("1970-01-01T00:00:00Z") && parse_rfc3339("2199-12-31T23:59:59.999999Z"));
    for (const char* text : {"1969-12-31T23:59:59.999999Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
      CPPUNIT_ASSERT_MESSAGE(text, !parse_rfc3339(text).has_value());
    CPPUNIT_ASSERT(!parse_rfc3339(std::string_view("2026-11-20T21:09:25Z\0Z", 22)).has_value());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(Rfc3339Test, "rfc3339");

}  // namespace midair
