#include "midair/host/api_token.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"
#include "sample_tokens.h"

namespace midair::host {

class ApiTokenTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ApiTokenTest);
  CPPUNIT_TEST(macaroons_go_with_FlyV1);
  CPPUNIT_TEST(everything_else_goes_with_Bearer);
  CPPUNIT_TEST(a_list_sends_its_macaroons_only);
  CPPUNIT_TEST(pasted_schemes_and_white_space_are_stripped);
  CPPUNIT_TEST(what_cannot_be_a_token_is_refused);
  CPPUNIT_TEST(a_macaroon_cut_anywhere_is_recognised);
  CPPUNIT_TEST(what_only_looks_like_a_macaroon_is_not_judged);
  CPPUNIT_TEST(no_error_shows_the_token);
  CPPUNIT_TEST(a_mask_tells_tokens_apart_and_not_more);
  CPPUNIT_TEST_SUITE_END();

 private:
  static std::string authorization_of(const std::string& text) {
    return value_of(parse_token(text, "a test")).authorization.reveal();
  }

  void macaroons_go_with_FlyV1() {
    for (const std::string token : {"fm2_abc", "fm1r_abc", "fm1a_abc"})
      CPPUNIT_ASSERT_EQUAL("FlyV1 " + token, authorization_of(token));
    CPPUNIT_ASSERT(value_of(parse_token("fm2_abc", "a test")).kind == TokenKind::macaroon);
    CPPUNIT_ASSERT_EQUAL("FlyV1 " + sample_macaroon(), authorization_of(sample_macaroon()));
  }

  void everything_else_goes_with_Bearer() {
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer fo1_abc"), authorization_of("fo1_abc"));
    CPPUNIT_ASSERT(value_of(parse_token("fo1_abc", "a test")).kind == TokenKind::bearer);
  }

  void a_list_sends_its_macaroons_only() {
    const ApiToken token = value_of(parse_token("fm2_a, fo1_x,fm2_b,", "a test"));
    CPPUNIT_ASSERT_EQUAL(std::string("FlyV1 fm2_a,fm2_b"), token.authorization.reveal());
    CPPUNIT_ASSERT_EQUAL(std::string("fm2_a,fo1_x,fm2_b"), token.text.reveal());
  }

  void pasted_schemes_and_white_space_are_stripped() {
    for (const char* pasted : {"FlyV1 fm2_a", "Bearer FlyV1 fm2_a", "  bearer\tFLYV1  flyv1 fm2_a\r\n",
                               "Authorization: Bearer FlyV1 fm2_a\n"})
      CPPUNIT_ASSERT_EQUAL(std::string("FlyV1 fm2_a"), authorization_of(pasted));
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer bearer_x"), authorization_of("Bearer bearer_x"));
  }

  void what_cannot_be_a_token_is_refused() {
    for (const std::string text : {"", " \n", "FlyV1", "Bearer FlyV1 ", ",", "fm2_a b", "fo1_\x01", "fo1_\xc3\xa9"})
      assert_fails(parse_token(text, "a test"), Errc::bad_input, "a test");
    assert_fails(parse_token(std::string(70'000, 'x'), "a test"), Errc::bad_input, "64 KiB");
  }

  void a_macaroon_cut_anywhere_is_recognised() {
    const std::string whole = sample_macaroon();
    for (std::size_t size = std::string("fm2_lJ").size(); size < whole.size(); ++size)
      assert_fails(parse_token(whole.substr(0, size), "a test"), Errc::corrupt, "cut short");
    assert_fails(parse_token(whole + "," + whole.substr(0, 116), "a test"), Errc::corrupt, "116 characters");
  }

  void what_only_looks_like_a_macaroon_is_not_judged() {
    for (const char* text : {"fm2_abc", "fm2_not-base64", "fm1r_lJPE", "fm2_AAAA"})
      CPPUNIT_ASSERT_MESSAGE(text, parse_token(text, "a test").ok());
  }

  void no_error_shows_the_token() {
    for (const std::string& text : {sample_macaroon().substr(0, 60), std::string("fo1_canary x")})
      CPPUNIT_ASSERT(parse_token(text, "a test").error().to_string().find(text.substr(0, 8)) == std::string::npos);
  }

  void a_mask_tells_tokens_apart_and_not_more() {
    CPPUNIT_ASSERT_EQUAL(std::string("fm2_lJPE...(" + std::to_string(sample_macaroon().size()) + ")"),
                         mask(Secret(sample_macaroon())));
    CPPUNIT_ASSERT_EQUAL(std::string("***"), mask(Secret("fo1_short")));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ApiTokenTest, "api_token");

}  // namespace midair::host
