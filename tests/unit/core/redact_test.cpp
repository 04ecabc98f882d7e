#include "midair/redact.h"

#include <cppunit/extensions/HelperMacros.h>

#include "sample_tokens.h"

namespace midair {

class RedactTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(RedactTest);
  CPPUNIT_TEST(secrets_are_replaced_wherever_they_stand);
  CPPUNIT_TEST(every_secret_of_a_text_is_replaced);
  CPPUNIT_TEST(ordinary_text_stays);
  CPPUNIT_TEST_SUITE_END();

 private:
  static void expect(const std::string& text, const std::string& clean) { CPPUNIT_ASSERT_EQUAL(clean, redact(text)); }

  void secrets_are_replaced_wherever_they_stand() {
    expect(sample_macaroon(), "fm2_***");
    expect("FlyV1 " + sample_macaroon(), "FlyV1 ***");
    expect("x=\"fo1_abc-def_\"", "x=\"fo1_***\"");
    expect("(fm1r_a+/=) fm1a_b", "(fm1r_***) fm1a_***");
    expect("key AKIAABCDEFGHIJKLMNOP.", "key AKIA***");
    expect("tid_abcdefgh and tsec_x", "tid_*** and tsec_***");
    expect("Authorization: Bearer abcdefghijklmnop0123", "Authorization: Bearer ***");
    expect("postgresql://me:pa:ss@w0rd@db/x", "postgresql://me:***@db/x");
    expect("https://me:pa/ss@host/x and", "https://me:***@host/x and");
    expect("https://:pw@host", "https://:***@host");
  }

  void every_secret_of_a_text_is_replaced() {
    expect(sample_macaroon('a') + "," + sample_macaroon('b') + " fo1_c", "fm2_***,fm2_*** fo1_***");
  }

  void ordinary_text_stays() {
    for (const std::string text :
         {"", "the token of fo1 and fm2", "confo1_rm", "Bearer of bad news", "AKIA is short", "https://host:443/a@b",
          "https://host/a:b@c", "https://user@host/", "releases/app-current.json", "tid_x"})
      expect(text, text);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(RedactTest, "redact");

}  // namespace midair
