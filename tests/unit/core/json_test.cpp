#include "midair/json/json.h"

#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>

#include "flydeploy_objects.h"
#include "result_asserts.h"

namespace midair {

namespace {

constexpr std::uint64_t kPlenty = 64 * 1024;

Result<Poco::JSON::Object::Ptr> parse(std::string_view text) { return parse_json_object(text, "a.json", kPlenty); }

std::string round_trip(std::string_view text) { return to_canonical_json(*value_of(parse(text))); }

std::string nested(int depth) { return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}"; }

}  // namespace

class JsonTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JsonTest);
  CPPUNIT_TEST(writes_compact_with_sorted_keys);
  CPPUNIT_TEST(writes_flydeploys_objects_back_byte_for_byte);
  CPPUNIT_TEST(keeps_every_character_of_a_string);
  CPPUNIT_TEST(keeps_every_kind_of_number);
  CPPUNIT_TEST(refuses_integers_that_not_everybody_keeps);
  CPPUNIT_TEST(always_writes_valid_utf8);
  CPPUNIT_TEST(refuses_what_is_not_one_object);
  CPPUNIT_TEST(refuses_bad_utf8);
  CPPUNIT_TEST(refuses_duplicate_keys_at_any_depth);
  CPPUNIT_TEST(allows_equal_keys_in_different_objects);
  CPPUNIT_TEST(refuses_what_is_nested_too_deep);
  CPPUNIT_TEST(refuses_what_is_too_long);
  CPPUNIT_TEST(tells_html_apart);
  CPPUNIT_TEST(shows_foreign_text_in_one_printable_line);
  CPPUNIT_TEST(reader_returns_each_type);
  CPPUNIT_TEST(reader_gives_fallbacks_for_missing_and_null);
  CPPUNIT_TEST(reader_refuses_other_types);
  CPPUNIT_TEST(reader_demands_required_fields);
  CPPUNIT_TEST(reader_keeps_the_first_problem);
  CPPUNIT_TEST_SUITE_END();

  void writes_compact_with_sorted_keys() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"a":[1,null,true],"b":{"x":"y","z":{}}})"),
                         round_trip("{ \"b\" : {\"z\":{}, \"x\":\"y\"},\n \"a\" : [1, null, true] }\n"));
  }

  void writes_flydeploys_objects_back_byte_for_byte() {
    using namespace flydeploy;
    for (const char* text : {kPointerInitial, kLock, kPointerWithHotUpgrade, kResultPending, kResultCompleted, kMarker})
      CPPUNIT_ASSERT_EQUAL(std::string(text), round_trip(text));
  }

  void keeps_every_character_of_a_string() {
    const std::string text = R"({"a":"\u0000\u0001\b\f\n\r\t\"\\/<>&)"
                             "\x7F\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"}";
    CPPUNIT_ASSERT_EQUAL(text, round_trip(text));
    CPPUNIT_ASSERT_EQUAL(std::string("{\"a\":\"\xF0\x9F\x98\x80/\"}"), round_trip(R"({"a":"\ud83d\ude00\/"})"));
    CPPUNIT_ASSERT_EQUAL(std::string("{\"k\\n\\\"\xC3\xA9\":1}"), round_trip("{\"k\\n\\\"\xC3\xA9\":1}"));
  }

  void keeps_every_kind_of_number() {
    for (const char* text : {R"({"a":0})", R"({"a":-5})", R"({"a":9007199254740991})", R"({"a":-9007199254740991})",
                             R"({"a":1.5})", R"({"a":0.30000000000000004})", R"({"a":5e-324})", R"({"a":1e+30})"})
      CPPUNIT_ASSERT_EQUAL(std::string(text), round_trip(text));
  }

  void refuses_integers_that_not_everybody_keeps() {
    for (const char* number : {"9007199254740992", "-9007199254740992", "9223372036854775807", "18446744073709551615",
                               "18446744073709551617", "18446744073709551618", "36893488147419103233"}) {
      const std::string integer(number);
      assert_fails(parse("{\"a\":" + integer + "}"), Errc::corrupt);
      assert_fails(parse("{\"b\":[{\"\\\"\":\"\\\\\",\"c\":[1," + integer + "]}]}"), Errc::corrupt);
    }
    assert_fails(parse(R"({"sequence":18446744073709551618})"), Errc::corrupt, "its integer 18446744073709551618 is");
    CPPUNIT_ASSERT(parse(R"({"99999999999999999":"99999999999999999","\"99999999999999999":1e+30})").ok());
  }

  void always_writes_valid_utf8() {
    Poco::JSON::Object object;
    object.set("a", std::string("x\xFFy\xF0\x9F\"\xED\xA0\x80\xC0\xAF"));
    const std::string text = to_canonical_json(object);
    const std::string bad = "\xEF\xBF\xBD";
    CPPUNIT_ASSERT_EQUAL("{\"a\":\"x" + bad + "y" + bad + bad + "\\\"" + bad + bad + bad + bad + bad + "\"}", text);
    CPPUNIT_ASSERT(parse(text).ok());
  }

  void refuses_what_is_not_one_object() {
    for (const char* text : {"",
                             " ",
                             "null",
                             "1",
                             "\"a\"",
                             "[1]",
                             "{",
                             "{\"a\"",
                             "{\"a\" 1}",
                             "{\"a\":1,}",
                             "{'a':1}",
                             "{} x",
                             "{}{}",
                             "{}\x01",
                             "{}\xFF",
                             "{\"a\":1}//c",
                             "{\"a\":01}",
                             "{\"a\":1.}",
                             "{\"a\":NaN}",
                             "{\"a\":1e999}",
                             "{\"a\":99999999999999999999}",
                             "{\"a\":[1 2]}",
                             "\xEF\xBB\xBF{}",
                             "{\"a\":\"\x01\"}"})
      assert_fails(parse(text), Errc::corrupt, "cannot read a.json: it is not ");
    assert_fails(parse(std::string_view("{}\0", 3)), Errc::corrupt);
  }

  void refuses_bad_utf8() {
    for (const char* text : {"\xFF", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
                             R"(\ud800)", R"(\udc00)", R"(\ud800\u0041)"})
      assert_fails(parse("{\"a\":\"" + std::string(text) + "\"}"), Errc::corrupt);
  }

  void refuses_duplicate_keys_at_any_depth() {
    assert_fails(parse(R"({"a":1,"a":1})"), Errc::corrupt, "duplicate key 'a'");
    assert_fails(parse(R"({"a":1,"\u0061":1})"), Errc::corrupt, "duplicate key 'a'");
    assert_fails(parse(R"({"x":[{"b":1},{"b\n":1,"c":{},"b\n":2}]})"), Errc::corrupt, R"(duplicate key 'b\x0a')");
  }

  void allows_equal_keys_in_different_objects() { CPPUNIT_ASSERT(parse(R"({"a":{"a":[{"a":1},{"a":2}]}})").ok()); }

  void refuses_what_is_nested_too_deep() {
    CPPUNIT_ASSERT(parse(nested(32)).ok());
    assert_fails(parse(nested(33)), Errc::corrupt, "depth");
    assert_fails(parse(nested(30'000)), Errc::corrupt, "depth");
  }

  void refuses_what_is_too_long() {
    CPPUNIT_ASSERT(parse_json_object("{}", "a.json", 2).ok());
    assert_fails(parse_json_object("{} ", "a.json", 2), Errc::corrupt, "longer than 2 bytes");
  }

  void tells_html_apart() {
    assert_fails(parse("\r\n <!DOCTYPE html><html></html>"), Errc::corrupt, "looks like HTML");
    assert_fails(parse("<?xml version=\"1.0\"?><Error/>"), Errc::corrupt, "check that the store's endpoint is right");
  }

  void shows_foreign_text_in_one_printable_line() {
    const auto parsed = parse("{\"\\n\\u001b[31m\":1,\"\\n\\u001b[31m\":1}");
    assert_fails(parsed, Errc::corrupt, R"('\x0a\x1b[31m')");
  }

  void reader_returns_each_type() {
    const auto json = value_of(parse(
        R"({"s":"x","u":9007199254740991,"z":0,"t":true,"f":false,"n":1.5,"i":3,"l":["a","b"],"o":{"k":1},"e":[]})"));
    JsonReader reader(*json, "a.json");
    CPPUNIT_ASSERT_EQUAL(std::string("x"), reader.string("s"));
    CPPUNIT_ASSERT_EQUAL(kMaxJsonInteger, reader.unsigned_integer("u"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, reader.unsigned_integer("z"));
    CPPUNIT_ASSERT(reader.boolean("t") && !reader.boolean("f"));
    CPPUNIT_ASSERT_EQUAL(1.5, reader.optional_number("n").value());
    CPPUNIT_ASSERT_EQUAL(3.0, reader.optional_number("i").value());
    CPPUNIT_ASSERT((reader.optional_strings("l") == std::vector<std::string>{"a", "b"}));
    CPPUNIT_ASSERT(reader.optional_strings("e").empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reader.optional_object("o")->size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, reader.optional_array("l")->size());
    assert_ok(reader.finish());
  }

  void reader_gives_fallbacks_for_missing_and_null() {
    const auto json = value_of(parse(R"({"null":null})"));
    JsonReader reader(*json, "a.json");
    for (const char* key : {"missing", "null"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("d"), reader.optional_string(key, "d"));
      CPPUNIT_ASSERT(!reader.optional_unsigned(key) && !reader.optional_number(key));
      CPPUNIT_ASSERT(reader.optional_boolean(key, true));
      CPPUNIT_ASSERT(reader.optional_strings(key).empty());
      CPPUNIT_ASSERT(!reader.optional_object(key) && !reader.optional_array(key));
    }
    assert_ok(reader.finish());
  }

  void reader_refuses_other_types() {
    using Verb = void (*)(JsonReader&);
    const std::pair<const char*, Verb> cases[] = {
        {R"({"a":5})", [](JsonReader& r) { r.string("a"); }},
        {R"({"a":true})", [](JsonReader& r) { r.optional_string("a"); }},
        {R"({"a":"5"})", [](JsonReader& r) { r.unsigned_integer("a"); }},
        {R"({"a":1.5})", [](JsonReader& r) { r.unsigned_integer("a"); }},
        {R"({"a":1e3})", [](JsonReader& r) { r.unsigned_integer("a"); }},
        {R"({"a":-1})", [](JsonReader& r) { r.unsigned_integer("a"); }},
        {R"({"a":true})", [](JsonReader& r) { r.optional_unsigned("a"); }},
        {R"({"a":"1.5"})", [](JsonReader& r) { r.optional_number("a"); }},
        {R"({"a":false})", [](JsonReader& r) { r.optional_number("a"); }},
        {R"({"a":"true"})", [](JsonReader& r) { r.boolean("a"); }},
        {R"({"a":1})", [](JsonReader& r) { r.optional_boolean("a", false); }},
        {R"({"a":"x"})", [](JsonReader& r) { r.optional_strings("a"); }},
        {R"({"a":["x",1]})", [](JsonReader& r) { r.optional_strings("a"); }},
        {R"({"a":[]})", [](JsonReader& r) { r.optional_object("a"); }},
        {R"({"a":"{}"})", [](JsonReader& r) { r.optional_object("a"); }},
        {R"({"a":{}})", [](JsonReader& r) { r.optional_array("a"); }},
    };
    for (const auto& [text, verb] : cases) {
      const auto json = value_of(parse(text));
      JsonReader reader(*json, "a.json");
      verb(reader);
      assert_fails(reader.finish(), Errc::corrupt, "cannot read a.json: field 'a' ");
    }
  }

  void reader_demands_required_fields() {
    const auto json = value_of(parse(R"({"null":null})"));
    for (const char* key : {"missing", "null"}) {
      JsonReader reader(*json, "a.json");
      CPPUNIT_ASSERT(reader.string(key).empty());
      assert_fails(reader.finish(), Errc::corrupt, "field '" + std::string(key) + "' is missing");
    }
  }

  void reader_keeps_the_first_problem() {
    const auto json = value_of(parse(R"({"a":1})"));
    JsonReader reader(*json, "a.json");
    reader.string("a");
    reader.complain("later");
    assert_fails(reader.finish(), Errc::corrupt, "'a' is not a string");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(JsonTest, "json");

}  // namespace midair
