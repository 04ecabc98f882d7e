#include "midair/secret.h"

#include <cppunit/extensions/HelperMacros.h>

#include <sstream>

namespace midair {

class SecretTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SecretTest);
  CPPUNIT_TEST(a_secret_prints_as_stars);
  CPPUNIT_TEST(only_reveal_tells_it);
  CPPUNIT_TEST_SUITE_END();

  void a_secret_prints_as_stars() {
    std::ostringstream out;
    out << Secret("hush") << Secret();
    CPPUNIT_ASSERT_EQUAL(std::string("******"), out.str());
  }

  void only_reveal_tells_it() {
    CPPUNIT_ASSERT_EQUAL(std::string("hush"), Secret("hush").reveal());
    CPPUNIT_ASSERT((!std::is_convertible_v<Secret, std::string>));
    CPPUNIT_ASSERT((!std::is_convertible_v<Secret, std::string_view>));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SecretTest, "secret");

}  // namespace midair
