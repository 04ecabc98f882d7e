#include "midair/json/json_text.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair {

class JsonTextTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(JsonTextTest);
  CPPUNIT_TEST(parts_keep_their_bytes);
  CPPUNIT_TEST(values_are_read_by_their_type_and_nothing_else);
  CPPUNIT_TEST(strings_are_unescaped_and_brackets_in_them_are_text);
  CPPUNIT_TEST(a_member_is_replaced_or_added_and_all_else_keeps_its_bytes);
  CPPUNIT_TEST(what_is_no_json_is_refused);
  CPPUNIT_TEST(a_part_outlives_its_document);
  CPPUNIT_TEST_SUITE_END();

  static JsonText parse(const std::string& text) { return value_of(JsonText::parse(text, "a test", 1024)); }

  void parts_keep_their_bytes() {
    const JsonText json = parse(R"( [ {"a" : 1.50, "b":[1,  2 ,{}]} , null ,"x"] )");
    const auto elements = json.elements();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, elements.size());
    CPPUNIT_ASSERT(elements[0].text() == R"({"a" : 1.50, "b":[1,  2 ,{}]})");
    CPPUNIT_ASSERT(elements[0].at("a").text() == "1.50");
    CPPUNIT_ASSERT(elements[0].at("b").text() == "[1,  2 ,{}]");
    CPPUNIT_ASSERT(elements[1].empty());
    CPPUNIT_ASSERT(parse("{}").members().empty() && parse("[ ]").elements().empty());
  }

  void values_are_read_by_their_type_and_nothing_else() {
    const JsonText json = parse(R"({"n": -12, "big": 9007199254740993, "real": 1.5, "t": true, "s": "7", "z": null})");
    CPPUNIT_ASSERT(json.at("n").integer() == -12);
    CPPUNIT_ASSERT(!json.at("big").integer());
    CPPUNIT_ASSERT(json.at("big").text() == "9007199254740993");  // passed on as it is
    CPPUNIT_ASSERT(parse("[9007199254740991]").elements()[0].integer() == 9007199254740991);
    CPPUNIT_ASSERT(!parse("[-9007199254740992]").elements()[0].integer());
    CPPUNIT_ASSERT(!json.at("real").integer() && !json.at("s").integer() && !json.at("none").integer());
    CPPUNIT_ASSERT(json.at("t").is_true() && !json.at("n").is_true());
    CPPUNIT_ASSERT_EQUAL(std::string("7"), json.at("s").string());
    CPPUNIT_ASSERT_EQUAL(std::string("else"), json.at("n").string("else"));
    CPPUNIT_ASSERT(json.at("z").empty() && json.at("none").empty() && json.at("n").at("x").empty());
  }

  void strings_are_unescaped_and_brackets_in_them_are_text() {
    const JsonText json = parse(R"({"a\"}": "x]\\", "u": "\u00e4\ud83d\ude00\n", "e": ""})");
    CPPUNIT_ASSERT_EQUAL(std::string("x]\\"), json.at("a\"}").string());
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xa4\xf0\x9f\x98\x80\n"), json.at("u").string());
    CPPUNIT_ASSERT_EQUAL(std::string(), json.at("e").string("else"));
    CPPUNIT_ASSERT_EQUAL(std::string(R"("a\"b\n")"), json_string("a\"b\n"));
  }

  void a_member_is_replaced_or_added_and_all_else_keeps_its_bytes() {
    const JsonText json = parse(R"({"a": 1.0, "b" :{"c": [ ]} })");
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"a": 1.0, "b" :2 })"), json.with("b", "2"));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"a": 1.0, "b" :{"c": [ ]} ,"d":"x"})"), json.with("d", "\"x\""));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"d":1})"), parse("{ }").with("d", "1"));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"d":1})"), JsonText().with("d", "1"));
  }

  void what_is_no_json_is_refused() {
    for (const char* text : {"", "{", "[1,]", "{\"a\":1} x", "{\"a\":1,\"a\":2}", "<html>"})
      CPPUNIT_ASSERT_MESSAGE(text, JsonText::parse(text, "a test", 1024).error().code == Errc::corrupt);
    CPPUNIT_ASSERT(!JsonText::parse("[1, 2]", "a test", 3).ok());
  }

  void a_part_outlives_its_document() {
    JsonText part;
    { part = parse(R"({"a": {"b": "kept"}})").at("a"); }
    CPPUNIT_ASSERT_EQUAL(std::string("kept"), part.at("b").string());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(JsonTextTest, "json_text");

}  // namespace midair
