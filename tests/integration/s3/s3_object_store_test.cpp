#include "midair/call_timer.h"
#include "midair/release/layout.h"
#include "s3_fixture.h"
#include "store/s3_client.h"
#include "store/s3_settings.h"

namespace midair {

namespace {

const CallLimits kLimits{std::chrono::seconds(30)};

}  // namespace

/// Plain HTTP, bucket in the path.
class S3ObjectStoreTest : public S3Fixture {
  CPPUNIT_TEST_SUB_SUITE(S3ObjectStoreTest, S3Fixture);
  CPPUNIT_TEST(a_wrong_secret_is_denied);
  CPPUNIT_TEST(an_unknown_key_is_denied_with_a_hint);
  CPPUNIT_TEST(a_missing_bucket_is_no_missing_object);
  CPPUNIT_TEST(stores_below_different_prefixes_are_apart);
  CPPUNIT_TEST(every_document_says_what_it_is);
  CPPUNIT_TEST_SUITE_END();

  void a_wrong_secret_is_denied() {
    settings_.secret_access_key = Secret("not the secret");
    const auto store = open();
    const auto stored = put_text(*store, "key", "x", PutCondition::none(), kLimits);
    CPPUNIT_ASSERT(!stored.ok());
    CPPUNIT_ASSERT(stored.error().code == Errc::denied);
    CPPUNIT_ASSERT_EQUAL(403, stored.error().http_status);
    CPPUNIT_ASSERT(!stored.error().request_id.empty());
    CPPUNIT_ASSERT(stored.error().hint.find("AWS_SECRET_ACCESS_KEY") != std::string::npos);
    CPPUNIT_ASSERT(stored.error().to_string().find("not the secret") == std::string::npos);
    CPPUNIT_ASSERT(store->head("key", kLimits).error().code == Errc::denied);
    CPPUNIT_ASSERT(store->list("", kLimits).error().code == Errc::denied);
  }

  void an_unknown_key_is_denied_with_a_hint() {
    settings_.access_key_id = "nobody";
    const auto read = get_text(*open(), "key", 100, kLimits);
    CPPUNIT_ASSERT(read.error().code == Errc::denied);
    CPPUNIT_ASSERT(read.error().hint.find("AWS_ACCESS_KEY_ID") != std::string::npos);
  }

  void a_missing_bucket_is_no_missing_object() {
    settings_.address = "s3://no-such-bucket";
    const auto read = get_text(*open(), "key", 100, kLimits);
    CPPUNIT_ASSERT(read.error().code == Errc::bad_input);
    CPPUNIT_ASSERT(read.error().hint.find("bucket") != std::string::npos);
  }

  void stores_below_different_prefixes_are_apart() {
    const auto store = open();
    CPPUNIT_ASSERT(put_text(*store, "key", "x", PutCondition::none(), kLimits).ok());
    settings_.address += "-other";
    CPPUNIT_ASSERT(get_text(*open(), "key", 100, kLimits).error().code == Errc::not_found);
    CPPUNIT_ASSERT(open()->list("", kLimits)->empty());
    CPPUNIT_ASSERT(!open()->key_of(store->url_of("key")).has_value());
  }

  std::string content_type_of(const std::string& key) {
    auto location = read_s3_settings(settings_);
    CPPUNIT_ASSERT(location.ok());
    const auto client = S3Client::open(location->access, settings_.ca_file);
    CPPUNIT_ASSERT(client.ok());
    S3Request request{"HEAD"};
    request.key = location->prefix + key;
    const CallTimer timer(kLimits);
    const auto answer = (*client)->send(request, timer);
    CPPUNIT_ASSERT_MESSAGE(answer.ok() ? "" : answer.error().to_string(), answer.ok());
    return answer->head().header("Content-Type");
  }

  /// FlyDeploy decodes JSON only where the store calls it so.
  void every_document_says_what_it_is() {
    const auto store = open();
    const StoreLayout layout{"web"};
    for (const auto& key : {layout.pointer(), layout.history(1), layout.lock(), layout.result("01A", "m1")}) {
      CPPUNIT_ASSERT(put_text(*store, key, "{}", PutCondition::none(), kLimits).ok());
      CPPUNIT_ASSERT_EQUAL_MESSAGE(key, std::string("application/json"), content_type_of(key));
    }
    const auto created = put_text(*store, layout.machine("m1"), "{}", PutCondition::if_absent(), kLimits);
    CPPUNIT_ASSERT(created.ok());
    CPPUNIT_ASSERT(put_text(*store, layout.machine("m1"), "[]", PutCondition::if_match(*created), kLimits).ok());
    CPPUNIT_ASSERT_EQUAL(std::string("application/json"), content_type_of(layout.machine("m1")));
    for (const std::size_t size : {std::size_t{10}, std::size_t{17} << 20}) {  // whole, and in parts
      const auto key = layout.tarball("v" + std::to_string(size));
      CPPUNIT_ASSERT(put_text(*store, key, std::string(size, 'x'), PutCondition::if_absent(), kLimits).ok());
      CPPUNIT_ASSERT_EQUAL(std::string("application/gzip"), content_type_of(key));
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(S3ObjectStoreTest, "s3_object_store");

}  // namespace midair
