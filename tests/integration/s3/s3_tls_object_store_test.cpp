#include "s3_fixture.h"

namespace midair {

namespace {

const CallLimits kLimits{std::chrono::seconds(30)};

}  // namespace

/// HTTPS, bucket in the host's name.
class S3TlsObjectStoreTest : public S3Fixture {
  CPPUNIT_TEST_SUB_SUITE(S3TlsObjectStoreTest, S3Fixture);
  CPPUNIT_TEST(an_untrusted_root_is_refused);
  CPPUNIT_TEST(a_certificate_for_another_name_is_refused);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    S3Fixture::setUp();
    settings_.endpoint = from_env("MIDAIR_TEST_S3_TLS_ENDPOINT");
    settings_.path_style = false;  // "bucket.localhost" is this host, too
  }

 private:
  void an_untrusted_root_is_refused() {
    settings_.ca_file.clear();
    const auto read = get_text(*open(), "key", 100, kLimits);
    CPPUNIT_ASSERT(read.error().code == Errc::refused);
    CPPUNIT_ASSERT(read.error().cause.find("certificate is not trusted") != std::string::npos);
    CPPUNIT_ASSERT(read.error().hint.find("MIDAIR_CA_FILE") != std::string::npos);
  }

  void a_certificate_for_another_name_is_refused() {
    settings_.address = "s3://another-bucket";
    const auto read = get_text(*open(), "key", 100, kLimits);
    CPPUNIT_ASSERT(read.error().code == Errc::refused);
    CPPUNIT_ASSERT(read.error().cause.find("for another name than another-bucket.localhost") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(S3TlsObjectStoreTest, "s3_tls_object_store");

}  // namespace midair
