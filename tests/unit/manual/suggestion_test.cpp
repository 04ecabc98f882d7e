#include "midair/manual/suggestion.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::manual {

class SuggestionTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SuggestionTest);
  CPPUNIT_TEST(the_nearest_word_is_found);
  CPPUNIT_TEST(swapped_letters_are_one_edit);
  CPPUNIT_TEST(what_is_too_different_is_not_suggested);
  CPPUNIT_TEST_SUITE_END();

  void the_nearest_word_is_found() {
    CPPUNIT_ASSERT_EQUAL(std::string("status"), nearest("statsu", {"start", "status", "plugins"}).value());
    CPPUNIT_ASSERT_EQUAL(std::string("--from"), nearest("--form", {"--force", "--from"}).value());
  }

  void swapped_letters_are_one_edit() { CPPUNIT_ASSERT_EQUAL(std::string("hot"), nearest("hto", {"hot"}).value()); }

  void what_is_too_different_is_not_suggested() {
    CPPUNIT_ASSERT(!nearest("deploy", {"hot", "status"}).has_value());
    CPPUNIT_ASSERT(!nearest("x", {}).has_value());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SuggestionTest, "suggestion");

}  // namespace midair::manual
