#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

extern "C" {
#include "json.h"
}

namespace midair {

class SdkJsonTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SdkJsonTest);
  CPPUNIT_TEST(takes_what_is_json);
  CPPUNIT_TEST(refuses_what_is_not);
  CPPUNIT_TEST(refuses_bytes_that_are_not_utf8);
  CPPUNIT_TEST(refuses_to_nest_deeply);
  CPPUNIT_TEST(finds_members);
  CPPUNIT_TEST(walks_arrays);
  CPPUNIT_TEST(decodes_texts);
  CPPUNIT_TEST(refuses_texts_that_do_not_fit);
  CPPUNIT_TEST(reads_integers_up_to_two_to_the_53);
  CPPUNIT_TEST(writes_what_it_reads);
  CPPUNIT_TEST(says_when_a_line_is_full);
  CPPUNIT_TEST_SUITE_END();

  static bool is_json(const std::string& text) {
    midair_json value{};
    // An exact copy, so that a sanitizer sees a read past the end.
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    text.copy(exact.get(), text.size());
    return midair_json_parse(exact.get(), text.size(), &value);
  }

  static midair_json parse(const std::string& text) {
    midair_json value{};
    CPPUNIT_ASSERT_MESSAGE(text, midair_json_parse(text.data(), text.size(), &value));
    return value;
  }

  static std::optional<std::string> text_of(const std::string& json, std::size_t size = 64) {
    std::vector<char> text(size);
    if (!midair_json_text(parse(json), text.data(), size)) return std::nullopt;
    return std::string(text.data());
  }

  static std::optional<std::uint64_t> number_of(const std::string& json) {
    std::uint64_t number = 0;
    if (!midair_json_number(parse(json), &number)) return std::nullopt;
    return number;
  }

  void takes_what_is_json() {
    for (const char* text : {"{}", "[]", " {\"a\" : [1, -0.5e+10, true, false, null] } ", "\"\\u00e9\\n\"", "0", "\"\"",
                             "[[],{}]", "1E5", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x9b\xab\""})
      CPPUNIT_ASSERT_MESSAGE(text, is_json(text));
  }

  void refuses_what_is_not() {
    for (const char* text : {"",           " ",     "{",   "}",      "[1,]",    "[,1]",        "{\"a\"}", "{\"a\":}",
                             "{\"a\":1,}", "{a:1}", "01",  "1.",     ".5",      "+1",          "-",       "1e",
                             "tru",        "nul",   "\"",  "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\n\"",
                             "{} {}",      "[1 2]", "'a'", "NaN",    "[1}",     "{\"a\":1]",   "\"\\"})
      CPPUNIT_ASSERT_MESSAGE(text, !is_json(text));
    CPPUNIT_ASSERT(!is_json(std::string("\"\0\"", 3)));
    CPPUNIT_ASSERT(!is_json(std::string("\"\\\0\"", 4)));
  }

  void refuses_bytes_that_are_not_utf8() {
    for (const char* bytes : {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
                              "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82"})
      CPPUNIT_ASSERT_MESSAGE(bytes, !is_json("\"" + std::string(bytes) + "\""));
  }

  void refuses_to_nest_deeply() {
    CPPUNIT_ASSERT(is_json(std::string(32, '[') + std::string(32, ']')));
    CPPUNIT_ASSERT(!is_json(std::string(33, '[') + std::string(33, ']')));
    CPPUNIT_ASSERT(!is_json(std::string(60'000, '[')));
  }

  void finds_members() {
    const std::string text = R"( {"other": {"id": 1, "x": [1,2]}, "\u0069d" : 7 , "id": 8, "op":"x"} )";
    midair_json value{};
    std::uint64_t number = 0;
    CPPUNIT_ASSERT(midair_json_member(parse(text), "id", &value));
    CPPUNIT_ASSERT(midair_json_number(value, &number));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, number);
    CPPUNIT_ASSERT(midair_json_member(parse(text), "op", &value));
    CPPUNIT_ASSERT(!midair_json_member(parse(text), "x", &value));
    CPPUNIT_ASSERT(!midair_json_member(parse("{}"), "id", &value));
    CPPUNIT_ASSERT(!midair_json_member(parse("[]"), "id", &value));
    const std::string long_key = "{\"" + std::string(100, 'k') + "\":1}";
    CPPUNIT_ASSERT(!midair_json_member(parse(long_key), "id", &value));
  }

  void walks_arrays() {
    const std::string text = R"([ 1 , [2] ,{"three":3}, "4" ])";
    midair_json rest = parse(text);
    midair_json element{};
    std::string starts;
    while (midair_json_next(&rest, &element)) starts += *element.at;
    CPPUNIT_ASSERT_EQUAL(std::string("1[{\""), starts);
    for (const std::string none : {"[]", "[ ]", "{}", "1"}) {
      midair_json nothing = parse(none);
      CPPUNIT_ASSERT_MESSAGE(none, !midair_json_next(&nothing, &element));
    }
  }

  void decodes_texts() {
    CPPUNIT_ASSERT_EQUAL(std::string("a\"\\/\b\f\n\r\tz"), text_of(R"("a\"\\\/\b\f\n\r\tz")").value());
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9b\xab"),
                         text_of(R"("\u00E9 \u20ac \ud83d\udeeb")").value());
    for (const char* half : {R"("\ud83d")", R"("\udeeb")", R"("\ud83d\u0041")", R"("\ud83dx")", R"("\u0000")"})
      CPPUNIT_ASSERT_MESSAGE(half, !text_of(half));
    CPPUNIT_ASSERT(!text_of("1"));
  }

  void refuses_texts_that_do_not_fit() {
    CPPUNIT_ASSERT_EQUAL(std::string("abc"), text_of("\"abc\"", 4).value());
    CPPUNIT_ASSERT(!text_of("\"abcd\"", 4));
    CPPUNIT_ASSERT(!text_of(R"("ab\u20ac")", 5));
    CPPUNIT_ASSERT_EQUAL(std::string("a\xe2\x82\xac"), text_of(R"("a\u20ac")", 5).value());
  }

  void reads_integers_up_to_two_to_the_53() {
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, number_of("0").value());
    CPPUNIT_ASSERT_EQUAL((std::uint64_t{1} << 53) - 1, number_of("9007199254740991").value());
    for (const char* none : {"9007199254740992", "99999999999999999999999999", "-1", "1.0", "1e3", "\"1\"", "true"})
      CPPUNIT_ASSERT_MESSAGE(none, !number_of(none));
  }

  void writes_what_it_reads() {
    const auto line = std::make_unique<midair_line>();
    const std::string text = "a \"quoted\" \\ line\n\x01 \xc3\xa9";
    midair_put_text(line.get(), text.c_str());
    CPPUNIT_ASSERT_EQUAL(text, text_of(std::string(line->text, line->length)).value());
    line->length = 0;
    midair_put_text(line.get(), "no \xff utf8 \xc3");
    CPPUNIT_ASSERT_EQUAL(std::string("\"no ? utf8 ?\""), std::string(line->text, line->length));
  }

  void says_when_a_line_is_full() {
    const auto line = std::make_unique<midair_line>();
    for (int i = 0; i < 70; ++i) midair_put(line.get(), std::string(1000, 'x').c_str());
    CPPUNIT_ASSERT(line->full);
    CPPUNIT_ASSERT_EQUAL(std::size_t{65'000}, line->length);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SdkJsonTest, "json");

}  // namespace midair
