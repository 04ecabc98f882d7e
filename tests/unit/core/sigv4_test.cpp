#include "store/sigv4.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/digest.h"

namespace midair {

/// The worked examples of "Authenticating Requests: Using the Authorization Header" (sig-v4-header-based-auth.html).
class SigV4Test : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SigV4Test);
  CPPUNIT_TEST(signs_aws_example_get_object);
  CPPUNIT_TEST(signs_aws_example_put_object);
  CPPUNIT_TEST(signs_aws_example_bucket_lifecycle);
  CPPUNIT_TEST(signs_aws_example_list_objects);
  CPPUNIT_TEST(writes_dates_in_utc);
  CPPUNIT_TEST(knows_the_hash_of_nothing);
  CPPUNIT_TEST_SUITE_END();

  static SigV4Request example(const std::string& method, const std::string& path, const std::string& query) {
    SigV4Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.payload_sha256 = kEmptySha256;
    request.headers = {{"host", "examplebucket.s3.amazonaws.com"},
                       {"x-amz-content-sha256", std::string(kEmptySha256)},
                       {"x-amz-date", "20130524T000000Z"}};
    return request;
  }

  static void expect(const SigV4Request& request, const std::string& headers, const std::string& signature) {
    const SigV4Identity identity{"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                 "us-east-1"};
    CPPUNIT_ASSERT_EQUAL(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + headers +
            ",Signature=" + signature,
        sigv4_authorization(request, identity));
  }

  void signs_aws_example_get_object() {
    SigV4Request request = example("GET", "/test.txt", "");
    request.headers["range"] = "bytes=0-9";
    expect(request, "host;range;x-amz-content-sha256;x-amz-date",
           "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  }

  void signs_aws_example_put_object() {
    SigV4Request request = example("PUT", "/test%24file.text", "");
    request.payload_sha256 = sha256_hex("Welcome to Amazon S3.");
    request.headers["x-amz-content-sha256"] = request.payload_sha256;
    request.headers["date"] = "Fri, 24 May 2013 00:00:00 GMT";
    request.headers["x-amz-storage-class"] = "REDUCED_REDUNDANCY";
    expect(request, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
           "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  }

  void signs_aws_example_bucket_lifecycle() {
    expect(example("GET", "/", "lifecycle="), "host;x-amz-content-sha256;x-amz-date",
           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  }

  void signs_aws_example_list_objects() {
    expect(example("GET", "/", "max-keys=2&prefix=J"), "host;x-amz-content-sha256;x-amz-date",
           "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  }

  void writes_dates_in_utc() {
    CPPUNIT_ASSERT_EQUAL(std::string("20130524T000000Z"), amz_date(WallTime(std::chrono::seconds(1'369'353'600))));
  }

  void knows_the_hash_of_nothing() { CPPUNIT_ASSERT_EQUAL(sha256_hex(""), std::string(kEmptySha256)); }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SigV4Test, "sigv4");

}  // namespace midair
