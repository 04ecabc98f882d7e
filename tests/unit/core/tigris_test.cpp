#include "midair/store/tigris.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair {

class TigrisTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TigrisTest);
  CPPUNIT_TEST(its_names_are_one_host);
  CPPUNIT_TEST(an_address_takes_the_name_of_its_model);
  CPPUNIT_TEST(other_addresses_stay);
  CPPUNIT_TEST_SUITE_END();

  void its_names_are_one_host() {
    CPPUNIT_ASSERT(is_same_s3_host("t3.storage.dev", "fly.storage.tigris.dev"));
    CPPUNIT_ASSERT(is_same_s3_host("s3.example.com", "s3.example.com"));
    for (const char* other : {"s3.example.com", "evil-t3.storage.dev", "b.t3.storage.dev", "storage.dev", ""})
      CPPUNIT_ASSERT_MESSAGE(other, !is_same_s3_host("fly.storage.tigris.dev", other));
  }

  static void expect(const std::string& url, const std::string& model, const std::string& expected) {
    CPPUNIT_ASSERT_EQUAL(expected, under_the_name_of(url, model));
  }

  void an_address_takes_the_name_of_its_model() {
    expect("https://b.t3.storage.dev/releases/k%2B", "https://fly.storage.tigris.dev/b/old",
           "https://b.fly.storage.tigris.dev/releases/k%2B");
    expect("https://t3.storage.dev/b/k", "https://b.fly.storage.tigris.dev/old", "https://fly.storage.tigris.dev/b/k");
    expect("https://fly.storage.tigris.dev:8443/b/k", "https://t3.storage.dev/b/old",
           "https://t3.storage.dev:8443/b/k");
    expect("https://t3.storage.dev/b/k", "https://t3.storage.dev/b/old", "https://t3.storage.dev/b/k");
  }

  void other_addresses_stay() {
    const std::string ours = "https://b.t3.storage.dev/k";
    for (const char* model : {"", "null", "file:///store/k", "https://s3.example.com/b/k", "https://eviltigris.dev/b/k",
                              "https://user:pw@fly.storage.tigris.dev/b/k"})
      expect(ours, model, ours);
    for (const char* url : {"file:///store/k", "https://b.s3.example.com/k", "https://evil-t3.storage.dev/k"})
      expect(url, "https://fly.storage.tigris.dev/b/old", url);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(TigrisTest, "tigris");

}  // namespace midair
