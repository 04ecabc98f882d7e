#include "midair/host/command_support.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::host {

class CommandSupportTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CommandSupportTest);
  CPPUNIT_TEST(columns_are_as_wide_as_their_widest_cell);
  CPPUNIT_TEST_SUITE_END();

  void columns_are_as_wide_as_their_widest_cell() {
    CPPUNIT_ASSERT_EQUAL(std::string(" a    b\n ccc  d\n e\n"), columns({{"a", "b"}, {"ccc", "d"}, {"e", ""}}, 1));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(CommandSupportTest, "command_support");

}  // namespace midair::host
