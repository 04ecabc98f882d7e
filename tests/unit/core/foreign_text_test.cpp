#include "midair/foreign_text.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class ForeignTextTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ForeignTextTest);
  CPPUNIT_TEST(nothing_steers_a_terminal);
  CPPUNIT_TEST(letters_of_all_languages_stay);
  CPPUNIT_TEST(what_is_no_utf8_becomes_so);
  CPPUNIT_TEST(all_is_bounded_between_characters);
  CPPUNIT_TEST(a_name_is_shown_in_ascii);
  CPPUNIT_TEST(a_sentence_goes_on_after_it);
  CPPUNIT_TEST_SUITE_END();

  static void same(const std::string& expected, const std::string& washed) { CPPUNIT_ASSERT_EQUAL(expected, washed); }

  void nothing_steers_a_terminal() {
    same("a?[31mb?c?", tame("a\x1b[31mb\nc\x7f"));
    same("a?31mb", tame("a\xc2\x9b"
                        "31mb"));  // the same escape sequence in one character
    same("a [31mb c", one_line("a\x1b[31mb\nc\x7f"));
    same("??", tame({"\0\0", 2}));
  }

  void letters_of_all_languages_stay() {
    for (const char* text : {"gr\xc3\xb6\xc3\x9f"
                             "e",
                             "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x9b\xab", "\xc2\xa0"}) {
      same(text, tame(text));
      same(text, one_line(text));
    }
  }

  void what_is_no_utf8_becomes_so() {
    same(
        "a\xef\xbf\xbd"
        "b",
        tame("a\x9b"
             "b"));
    same("\xef\xbf\xbd", one_line("\xc3"));
  }

  void all_is_bounded_between_characters() {
    same("\xc3\xb6...", tame("\xc3\xb6\xc3\xb6", 3));
    same("\xc3\xb6", one_line("\xc3\xb6\xc3\xb6", 3));
    CPPUNIT_ASSERT(tame(std::string(1 << 20, '\xff')).size() <= 1003);
    CPPUNIT_ASSERT_EQUAL(std::size_t{200}, one_line(std::string(1 << 20, 'x')).size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{203}, printable(std::string(1 << 20, 'x')).size());
  }

  void a_name_is_shown_in_ascii() {
    same("a\\x1bb\\xc3\\xb6", printable("a\x1b"
                                        "b\xc3\xb6"));
    same("ab...", printable("abc", 2));
  }

  void a_sentence_goes_on_after_it() {
    same("It failed", one_line("It failed. \n"));
    same("", one_line("..."));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ForeignTextTest, "foreign_text");

}  // namespace midair
