#include "midair/release/writable_places.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/release/manifest.h"
#include "result_asserts.h"

namespace midair {

class WritablePlacesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WritablePlacesTest);
  CPPUNIT_TEST(they_are_sorted_and_none_is_there_twice);
  CPPUNIT_TEST(what_leaves_the_release_is_refused);
  CPPUNIT_TEST(kept_and_fresh_exclude_each_other);
  CPPUNIT_TEST(they_contain_what_lies_below_them);
  CPPUNIT_TEST(a_manifest_carries_them);
  CPPUNIT_TEST_SUITE_END();

  using Names = std::vector<std::string>;

  void they_are_sorted_and_none_is_there_twice() {
    const auto places = value_of(WritablePlaces::make({"tmp/", "log", "tmp/cache", "tmp"}, {"tmp/pids", "run"}));
    CPPUNIT_ASSERT(places.kept == (Names{"log", "tmp"}));
    CPPUNIT_ASSERT(places.fresh == (Names{"run", "tmp/pids"}));
    const auto more = value_of(WritablePlaces::joined(places, value_of(WritablePlaces::make({"a"}, {"run/x"}))));
    CPPUNIT_ASSERT(more.kept == (Names{"a", "log", "tmp"}));
    CPPUNIT_ASSERT(more.fresh == places.fresh);
  }

  void what_leaves_the_release_is_refused() {
    for (const char* name : {"..", "../tmp", "a/../../b", "/tmp", "", "/", ".", "./a", "a//b", "midair.json"}) {
      assert_fails(WritablePlaces::make({"log", name}, {}), Errc::bad_input, "make a writable place of '");
      assert_fails(WritablePlaces::make({}, {name}), Errc::bad_input);
    }
  }

  void kept_and_fresh_exclude_each_other() {
    assert_fails(WritablePlaces::make({"tmp"}, {"tmp/"}), Errc::bad_input, "both kept and fresh");
    assert_fails(WritablePlaces::make({"tmp/cache"}, {"tmp"}), Errc::bad_input, "lies in 'tmp'");
  }

  void they_contain_what_lies_below_them() {
    const auto places = value_of(WritablePlaces::make({"tmp"}, {"var/run"}));
    for (const char* name : {"tmp", "tmp/a", "var/run", "var/run/a/b"}) CPPUNIT_ASSERT(places.contain(name));
    for (const char* name : {"tmpfile", "var", "var/running", "a/tmp"}) CPPUNIT_ASSERT(!places.contain(name));
  }

  void a_manifest_carries_them() {
    Manifest manifest;
    manifest.app = "web";
    manifest.version = "1";
    manifest.files = {{.path = "a", .size = 0, .digest = std::string(64, '0')}};
    manifest.writable = value_of(WritablePlaces::make({"log", "tmp"}, {"tmp/pids"}));
    const std::string json = manifest.to_json();
    CPPUNIT_ASSERT(value_of(Manifest::parse(json, "m")).writable == manifest.writable);
    std::string bad = json;
    bad.replace(bad.find("\"log\""), 5, "\"../x\"");
    assert_fails(Manifest::parse(bad, "m"), Errc::refused, "'../x'");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(WritablePlacesTest, "writable_places");

}  // namespace midair
