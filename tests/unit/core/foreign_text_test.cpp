#include "midair/foreign_text.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class ForeignTextTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ForeignTextTest);
  CPPUNIT_TEST(controls_in_every_form_are_replaced);
  CPPUNIT_TEST(letters_of_all_languages_stay);
  CPPUNIT_TEST(what_is_kept_stays);
  CPPUNIT_TEST(cuts_are_between_characters);
  CPPUNIT_TEST(json_keeps_its_meaning);
  CPPUNIT_TEST(a_name_is_shown_in_ascii);
  CPPUNIT_TEST(a_sentence_goes_on_after_it);
  CPPUNIT_TEST_SUITE_END();

  void controls_in_every_form_are_replaced() {
    CPPUNIT_ASSERT_EQUAL(std::string("a?b?c?d"), tame("a\x1b"
                                                      "b\nc\x7f"
                                                      "d"));
    CPPUNIT_ASSERT_EQUAL(std::string("?2J"), tame("\xC2\x9B"
                                                  "2J"));  // U+009B: a CSI of one character
    CPPUNIT_ASSERT_EQUAL(std::string("?2J"), tame("\x9B"
                                                  "2J"));                // as a bare byte
    CPPUNIT_ASSERT_EQUAL(std::string("?gpj"), tame("\xE2\x80\xAEgpj"));  // U+202E: right to left
    CPPUNIT_ASSERT_EQUAL(std::string("???"), tame("\xE2\x80\xA8\xFE\xF0"));
    CPPUNIT_ASSERT_EQUAL(std::string("?"), tame(std::string_view("\0", 1)));
  }

  void letters_of_all_languages_stay() {
    const std::string text = "Zürich 東京 \xF0\x9F\x9A\x80 é";
    CPPUNIT_ASSERT_EQUAL(text, tame(text));
  }

  void what_is_kept_stays() { CPPUNIT_ASSERT_EQUAL(std::string("a\n\t?"), tame("a\n\t\r", "\n\t")); }

  void cuts_are_between_characters() {
    CPPUNIT_ASSERT_EQUAL(std::string("Z..."), tame_and_cut("Zürich", 2));
    CPPUNIT_ASSERT_EQUAL(std::string("Zü..."), tame_and_cut("Zürich", 3));
    CPPUNIT_ASSERT_EQUAL(std::string("Zürich"), tame_and_cut("Zürich", 7));
  }

  void json_keeps_its_meaning() {
    CPPUNIT_ASSERT_EQUAL(std::string(R"({ "a":"\u009b\u007f\u202e\ufffdü"})"),
                         tame_json("{\n\"a\":\"\xC2\x9B\x7F\xE2\x80\xAE\xFFü\"}"));
  }

  void a_name_is_shown_in_ascii() {
    CPPUNIT_ASSERT_EQUAL(std::string("a\\x1b\\xc3\\xb6"), printable("a\x1b\xc3\xb6"));
    CPPUNIT_ASSERT_EQUAL(std::string("ab..."), printable("abc", 2));
  }

  void a_sentence_goes_on_after_it() {
    CPPUNIT_ASSERT_EQUAL(std::string("It failed"), one_line("It failed. \n"));
    CPPUNIT_ASSERT_EQUAL(std::string(), one_line("..."));
    CPPUNIT_ASSERT_EQUAL(std::string("a [31mb c"), one_line("a\x1b[31mb\nc\x7f"));
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xb6"), one_line("\xc3\xb6\xc3\xb6", 3));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ForeignTextTest, "foreign_text");

}  // namespace midair
