#include "midair/host/publish/ulid.h"

#include <cppunit/extensions/HelperMacros.h>

#include <set>

#include "midair/release/layout.h"
#include "result_asserts.h"

namespace midair::host {

class UlidTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(UlidTest);
  CPPUNIT_TEST(it_is_encoded_as_the_specification_says);
  CPPUNIT_TEST(ulids_sort_by_time);
  CPPUNIT_TEST(ulids_differ);
  CPPUNIT_TEST(it_names_an_upgrade);
  CPPUNIT_TEST_SUITE_END();

  static WallTime at(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

  void it_is_encoded_as_the_specification_says() {
    // The specification's example time, and its largest ULID.
    CPPUNIT_ASSERT_EQUAL(std::string("01ARYZ6S41"), encode_ulid(at(1469918176385), {}).substr(0, 10));
    UlidRandom ones;
    ones.fill(0xff);
    CPPUNIT_ASSERT_EQUAL(std::string("01ARYZ6S41ZZZZZZZZZZZZZZZZ"), encode_ulid(at(1469918176385), ones));
    CPPUNIT_ASSERT_EQUAL(std::string("00000000000000000000000000"), encode_ulid(at(0), {}));
    CPPUNIT_ASSERT_EQUAL(std::string("00000000000000000000000001"), encode_ulid(at(0), {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
    CPPUNIT_ASSERT_EQUAL(std::string("0000000000G000000000000000"), encode_ulid(at(0), {0x80}));
  }

  void ulids_sort_by_time() {
    UlidRandom ones;
    ones.fill(0xff);
    CPPUNIT_ASSERT(encode_ulid(at(1'800'000'000'000), ones) < encode_ulid(at(1'800'000'000'001), {}));
  }

  void ulids_differ() {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(value_of(new_ulid(at(1'800'000'000'000))));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, seen.size());
  }

  void it_names_an_upgrade() {
    const auto ulid = value_of(new_ulid(at(1'800'000'000'000)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{26}, ulid.size());
    CPPUNIT_ASSERT_EQUAL(ulid, upgrade_id_of("midair/web:deployment-" + ulid));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(UlidTest, "ulid");

}  // namespace midair::host
