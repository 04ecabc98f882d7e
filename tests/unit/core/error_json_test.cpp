#include "midair/json/error_json.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/json/json.h"

namespace midair {

class ErrorJsonTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ErrorJsonTest);
  CPPUNIT_TEST(every_field_is_there);
  CPPUNIT_TEST(what_is_not_known_is_null);
  CPPUNIT_TEST(secrets_and_controls_are_not_passed_on);
  CPPUNIT_TEST_SUITE_END();

  void every_field_is_there() {
    Error error{Errc::denied, "read", "s3://b/k", "403", "check the keys"};
    error.http_status = 403;
    error.request_id = "r1";
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"error":{"cause":"403","code":"denied","hint":"check the keys",)"
                                     R"("http_status":403,"op":"read","request_id":"r1","subject":"s3://b/k"},)"
                                     R"("exit_status":77})"),
                         error_json(error, 77));
  }

  void what_is_not_known_is_null() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"error":{"cause":"","code":"bug","hint":null,"http_status":null,"op":"run",)"
                                     R"("request_id":null,"subject":""},"exit_status":70})"),
                         error_json({Errc::bug, "run", "", ""}, 70));
  }

  void secrets_and_controls_are_not_passed_on() {
    const auto object = parse_json_object(
        error_json({Errc::bug, "use", "fo1_abcdef", "a\x1b[2J\xff" + std::string(10'000, 'x')}, 70), "it", 1 << 20);
    const auto fields = object.value()->getObject("error");
    CPPUNIT_ASSERT_EQUAL(std::string("fo1_***"), fields->getValue<std::string>("subject"));
    CPPUNIT_ASSERT(fields->getValue<std::string>("cause").starts_with("a?[2J?xxx"));
    CPPUNIT_ASSERT_EQUAL(std::size_t{4099}, fields->getValue<std::string>("cause").size());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ErrorJsonTest, "error_json");

}  // namespace midair
