#include <cppunit/extensions/HelperMacros.h>

#include "protocol/message.h"
#include "result_asserts.h"

namespace midair::sidecar {

class ProtocolMessageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProtocolMessageTest);
  CPPUNIT_TEST(a_hello_is_read);
  CPPUNIT_TEST(a_hello_may_say_little_and_things_unknown);
  CPPUNIT_TEST(a_hello_of_another_version_is_refused_by_name);
  CPPUNIT_TEST(a_hello_that_breaks_a_rule_is_corrupt);
  CPPUNIT_TEST(schema_names_have_their_letters_and_length);
  CPPUNIT_TEST(an_answer_is_read_with_all_its_fields);
  CPPUNIT_TEST(a_refusal_says_why_in_one_short_line);
  CPPUNIT_TEST(an_unknown_code_counts_as_failed);
  CPPUNIT_TEST(what_is_no_answer_is_corrupt);
  CPPUNIT_TEST(what_the_sidecar_says_is_one_line_to_the_byte);
  CPPUNIT_TEST(a_request_that_is_too_long_is_not_sent);
  CPPUNIT_TEST_SUITE_END();

  void a_hello_is_read() {
    const Hello hello = value_of(
        parse_hello(R"({"op":"hello","protocol":1,"sdk":"midair-python/1","capabilities":["state","in-place"],)"
                    R"("schema":"cart/2","imports":["cart/1","cart/2"]})"));
    CPPUNIT_ASSERT_EQUAL(std::string("midair-python/1"), hello.sdk);
    CPPUNIT_ASSERT(hello.keeps_state && hello.swaps_in_place);
    CPPUNIT_ASSERT_EQUAL(std::string("cart/2"), hello.schema);
    CPPUNIT_ASSERT(hello.imports_schema("cart/1"));
    CPPUNIT_ASSERT(!hello.imports_schema("cart/3"));
  }

  void a_hello_may_say_little_and_things_unknown() {
    const Hello hello = value_of(
        parse_hello(R"({"op":"hello","protocol":1,"capabilities":["telepathy"],"schema":"not a name","new":[{}]})"));
    CPPUNIT_ASSERT(!hello.keeps_state && !hello.swaps_in_place);
    CPPUNIT_ASSERT(hello.schema.empty() && hello.imports.empty());
  }

  void a_hello_of_another_version_is_refused_by_name() {
    assert_fails(parse_hello(R"({"op":"hello","protocol":2,"capabilities":"of another type"})"), Errc::refused,
                 "version 2");
  }

  void a_hello_that_breaks_a_rule_is_corrupt() {
    const std::string state = R"({"op":"hello","protocol":1,"capabilities":["state"])";
    std::string many;
    for (int i = 0; i < 33; ++i) many += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\"";
    const std::string too_many = state + R"(,"schema":"a","imports":[)" + many + "]}";
    for (const std::string& line :
         {std::string(), std::string("[]"), std::string("{"), std::string(R"({"op":"hello"})"),
          std::string(R"({"op":"hi","protocol":1})"), std::string(R"({"op":"hello","protocol":-1})"),
          std::string(R"({"op":"hello","protocol":1.5})"), std::string(R"({"op":"hello","op":"hello","protocol":1})"),
          std::string(R"({"op":"hello","protocol":1,"capabilities":[1]})"), state + "}",
          state + R"(,"schema":"cart 2"})", state + R"(,"schema":"a","imports":["ok",""]})", too_many,
          std::string("{\"op\":\"hello\xff\",\"protocol\":1}"), std::string(200, '[')})
      assert_fails(parse_hello(line), Errc::corrupt);
  }

  void schema_names_have_their_letters_and_length() {
    CPPUNIT_ASSERT(is_schema_name("Cart.v-2_x/3"));
    CPPUNIT_ASSERT(is_schema_name(std::string(64, 'a')));
    for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a b"), std::string("\xc3\xa4"),
                                    std::string("a\0b", 3), std::string("a\n")})
      CPPUNIT_ASSERT_MESSAGE(name, !is_schema_name(name));
  }

  void an_answer_is_read_with_all_its_fields() {
    const Answer answer = value_of(parse_answer(R"({"id":7,"ok":true,"schema":"cart/1","bytes":10})"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(7), answer.id);
    CPPUNIT_ASSERT(answer.ok);
    CPPUNIT_ASSERT_EQUAL(std::string("cart/1"), answer.fields->getValue<std::string>("schema"));
  }

  void a_refusal_says_why_in_one_short_line() {
    const Answer answer =
        value_of(parse_answer(R"({"id":7,"ok":false,"code":"busy","error":"12 carts\nare being paid"})"));
    const Error error = error_of("suspend", answer);
    CPPUNIT_ASSERT_EQUAL(std::string("cannot have the app do 'suspend': it answered 'busy': 12 carts are being paid"),
                         error.message());
    CPPUNIT_ASSERT(error.retryable());
    const Answer longest = value_of(parse_answer(R"({"id":7,"ok":false,"error":")" + std::string(5000, 'x') + R"("})"));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1024), longest.error.size());
  }

  void an_unknown_code_counts_as_failed() {
    for (const char* line : {R"({"id":1,"ok":false,"code":"tired"})", R"({"id":1,"ok":false})"}) {
      const Answer answer = value_of(parse_answer(line));
      CPPUNIT_ASSERT_EQUAL(std::string("failed"), answer.code);
      CPPUNIT_ASSERT(!error_of("import", answer).retryable());
    }
  }

  void what_is_no_answer_is_corrupt() {
    for (const char* line :
         {"", "true", "{}", R"({"id":1})", R"({"ok":true})", R"({"id":"1","ok":true})", R"({"id":1,"ok":"yes"})",
          R"({"id":-1,"ok":true})", R"({"id":9007199254740992,"ok":true})", R"({"id":1,"ok":false,"code":7})",
          R"({"id":1,"ok":false,"error":[]})", R"({"id":1,"ok":true} {"id":2,"ok":true})"})
      assert_fails(parse_answer(line), Errc::corrupt);
  }

  void what_the_sidecar_says_is_one_line_to_the_byte() {
    CPPUNIT_ASSERT_EQUAL(
        std::string("{\"digest\":\"\",\"generation\":3,\"op\":\"welcome\",\"protocol\":1,\"wait\":true}\n"),
        format_welcome({3, "", true}));
    CPPUNIT_ASSERT_EQUAL(std::string("{\"error\":\"a b\",\"op\":\"refused\"}\n"), format_refused("a\nb"));
    Poco::JSON::Object fields;
    fields.set("hold_ms", 30000);
    CPPUNIT_ASSERT_EQUAL(std::string("{\"deadline_ms\":10000,\"hold_ms\":30000,\"id\":7,\"op\":\"suspend\"}\n"),
                         value_of(format_request(7, "suspend", std::chrono::seconds(10), fields)));
  }

  void a_request_that_is_too_long_is_not_sent() {
    Poco::JSON::Object fields;
    fields.set("release_dir", std::string(kMaxMessageBytes, 'x'));
    assert_fails(format_request(1, "prepare", std::chrono::seconds(1), fields), Errc::bad_input, "65536");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProtocolMessageTest, "protocol_message");

}  // namespace midair::sidecar
