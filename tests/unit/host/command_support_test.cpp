#include "midair/host/command_support.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::host {

class CommandSupportTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CommandSupportTest);
  CPPUNIT_TEST(columns_are_as_wide_as_their_widest_cell);
  CPPUNIT_TEST(a_cell_is_one_cell_whatever_it_holds);
  CPPUNIT_TEST_SUITE_END();

  void columns_are_as_wide_as_their_widest_cell() {
    CPPUNIT_ASSERT_EQUAL(std::string(" a    b\n ccc  d\n e\n"), columns({{"a", "b"}, {"ccc", "d"}, {"e", ""}}, 1));
  }

  void a_cell_is_one_cell_whatever_it_holds() {
    CPPUNIT_ASSERT_EQUAL(std::string("a?ready  b\n"), columns({{"a\nready", "b"}}, 0));
    CPPUNIT_ASSERT_EQUAL(std::string("??c  d\n"), columns({{"\x1b\xC2\x9B"
                                                            "c",
                                                            "d"}},
                                                          0));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1024 + 4}, columns({{std::string(1 << 20, 'x')}}, 0).size());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(CommandSupportTest, "command_support");

}  // namespace midair::host
