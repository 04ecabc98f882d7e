#include "fly_error.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::host::machines {

class FlyErrorTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FlyErrorTest);
  CPPUNIT_TEST(an_error_says_all_that_support_will_ask_for);
  CPPUNIT_TEST(capacity_is_told_apart_from_locks);
  CPPUNIT_TEST(a_lease_names_holder_and_end);
  CPPUNIT_TEST(a_machine_that_is_still_active_is_recognised);
  CPPUNIT_TEST(every_shape_of_body_is_understood);
  CPPUNIT_TEST(somebody_elses_not_found_is_no_missing_machine);
  CPPUNIT_TEST(statuses_have_their_codes);
  CPPUNIT_TEST_SUITE_END();

  static Error error_of(int status, const std::string& body) {
    const HttpAnswer answer{{status, {{"fly-request-id", "01JN-yyz"}, {"retry-after", "3"}}}, body};
    return fly_error(answer, "stop the machine by", "POST https://api/v1/apps/web/machines/148e/stop");
  }
  static bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

  void an_error_says_all_that_support_will_ask_for() {
    const Error error = error_of(422, R"({"error":"Validation failed: Name","status":"name_taken"})");
    CPPUNIT_ASSERT_EQUAL(std::string("cannot stop the machine by POST https://api/v1/apps/web/machines/148e/stop: "
                                     "HTTP status 422, name_taken: Validation failed: Name (request id 01JN-yyz)"),
                         error.message());
    CPPUNIT_ASSERT(error.retry_after == std::chrono::seconds(3));
    CPPUNIT_ASSERT_EQUAL(422, error.http_status);
  }

  void capacity_is_told_apart_from_locks() {
    for (
        const auto& [status, body] : std::vector<std::pair<int, std::string>>{
            {409,
             R"({"error":"aborted: could not reserve resource for machine: insufficient memory available to fulfill request"})"},
            {412, R"({"error":"insufficient resources to create new machine with existing volume 'vol_1'"})"},
            {503, R"({"error":"no room","status":"insufficient_capacity"})"}}) {
      const Error error = error_of(status, body);
      CPPUNIT_ASSERT_MESSAGE(body, error.code == Errc::no_space && !error.retryable() && !is_lease_conflict(error));
    }
  }

  void a_lease_names_holder_and_end() {
    const Error error = error_of(
        409,
        R"({"error":"aborted: machine ID 148e lease currently held by a@tokens.fly.io, expires at 2026-11-20T22:00:00Z"})");
    CPPUNIT_ASSERT(error.code == Errc::precondition && is_lease_conflict(error));
    CPPUNIT_ASSERT(contains(error.message(), "a@tokens.fly.io, expires at 2026-11-20T22:00:00Z"));
  }

  void a_machine_that_is_still_active_is_recognised() {
    CPPUNIT_ASSERT(is_still_active(error_of(
        412, R"({"error":"failed_precondition: machine still active, refusing to start","status":"unknown"})")));
    CPPUNIT_ASSERT(is_still_active(
        error_of(412, R"({"error":"failed_precondition: machine getting replaced, refusing to start"})")));
    CPPUNIT_ASSERT(!is_still_active(
        error_of(412, R"({"error":"failed_precondition: unable to start machine from current state: 'created'"})")));
  }

  void every_shape_of_body_is_understood() {
    CPPUNIT_ASSERT(contains(error_of(400, R"({"message":"better","error":"worse"})").cause, ": better"));
    CPPUNIT_ASSERT(contains(error_of(400, R"({"error":{"code":"invalid_json","message":"Invalid JSON"}})").cause,
                            ": Invalid JSON"));
    CPPUNIT_ASSERT(contains(
        error_of(422, R"({"type":"x","title":"Invalid request","status":422,"detail":"body"})").cause, ": body"));
    CPPUNIT_ASSERT_EQUAL(std::string("HTTP status 502"), error_of(502, "<html>Bad gateway</html>").cause);
    CPPUNIT_ASSERT_EQUAL(std::string("HTTP status 500"), error_of(500, "").cause);
    CPPUNIT_ASSERT(error_of(400, R"({"error":")" + std::string(5000, 'x') + "\"}").cause.size() < 600);
  }

  void somebody_elses_not_found_is_no_missing_machine() {
    CPPUNIT_ASSERT(error_of(404, R"({"error":"machine not found"})").code == Errc::not_found);
    CPPUNIT_ASSERT(error_of(404, "<html>Not found</html>").code == Errc::corrupt);
  }

  void statuses_have_their_codes() {
    for (const auto& [status, code] : std::vector<std::pair<int, Errc>>{{400, Errc::bad_input},
                                                                        {401, Errc::denied},
                                                                        {403, Errc::denied},
                                                                        {408, Errc::unavailable},
                                                                        {409, Errc::precondition},
                                                                        {412, Errc::precondition},
                                                                        {422, Errc::bad_input},
                                                                        {429, Errc::throttled},
                                                                        {500, Errc::unavailable},
                                                                        {503, Errc::unavailable}})
      CPPUNIT_ASSERT_EQUAL(std::string(to_string(code)), std::string(to_string(error_of(status, "{}").code)));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FlyErrorTest, "fly_error");

}  // namespace midair::host::machines
