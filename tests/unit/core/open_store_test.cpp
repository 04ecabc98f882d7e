#include "midair/store/open_store.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>

#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

class OpenStoreTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(OpenStoreTest);
  CPPUNIT_TEST(reads_the_environment_of_fly_and_aws);
  CPPUNIT_TEST(reads_credentials_under_other_names);
  CPPUNIT_TEST(has_tigris_as_the_default_endpoint);
  CPPUNIT_TEST(opens_directories);
  CPPUNIT_TEST(creates_no_directory_only_to_read);
  CPPUNIT_TEST(says_which_setting_is_unusable);
  CPPUNIT_TEST(names_a_bucket_in_path_or_host);
  CPPUNIT_TEST(finds_the_key_behind_an_address_in_the_bucket);
  CPPUNIT_TEST(takes_the_names_of_tigris_for_one_store);
  CPPUNIT_TEST(is_not_fooled_by_addresses_elsewhere);
  CPPUNIT_TEST(is_not_fooled_by_directories_elsewhere);
  CPPUNIT_TEST(shows_no_secret);
  CPPUNIT_TEST_SUITE_END();

  static StoreSettings from(const std::map<std::string, std::string>& env) {
    return store_settings_from_env([&](const std::string& name) -> std::optional<std::string> {
      const auto found = env.find(name);
      return found == env.end() ? std::nullopt : std::optional(found->second);
    });
  }

  static StoreSettings s3(const std::string& address, const std::string& endpoint) {
    StoreSettings settings;
    settings.address = address;
    settings.endpoint = endpoint;
    settings.access_key_id = "id";
    settings.secret_access_key = Secret("hush");
    return settings;
  }

  static std::unique_ptr<ObjectStore> open(const StoreSettings& settings) {
    auto store = open_store(settings);
    CPPUNIT_ASSERT_MESSAGE(store.ok() ? "" : store.error().to_string(), store.ok());
    return std::move(*store);
  }

  void reads_the_environment_of_fly_and_aws() {
    const auto settings = from({{"BUCKET_NAME", "bucket"},
                                {"AWS_BUCKET", "other"},
                                {"AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"},
                                {"AWS_REGION", "eu-west-1"},
                                {"AWS_ACCESS_KEY_ID", "id"},
                                {"AWS_SECRET_ACCESS_KEY", "hush"},
                                {"AWS_SESSION_TOKEN", "token"},
                                {"MIDAIR_CA_FILE", "/ca.pem"}});
    CPPUNIT_ASSERT_EQUAL(std::string("s3://bucket"), settings.address);
    CPPUNIT_ASSERT_EQUAL(std::string("http://127.0.0.1:9000"), settings.endpoint);
    CPPUNIT_ASSERT_EQUAL(std::string("eu-west-1"), settings.region);
    CPPUNIT_ASSERT_EQUAL(std::string("id"), settings.access_key_id);
    CPPUNIT_ASSERT_EQUAL(std::string("hush"), settings.secret_access_key.reveal());
    CPPUNIT_ASSERT_EQUAL(std::string("token"), settings.session_token.reveal());
    CPPUNIT_ASSERT_EQUAL(std::string("/ca.pem"), settings.ca_file);
    CPPUNIT_ASSERT(settings.path_style);
    CPPUNIT_ASSERT_EQUAL(std::string("s3://other"), from({{"AWS_BUCKET", "other"}}).address);
    CPPUNIT_ASSERT_EQUAL(std::string("file:///x"), from({{"MIDAIR_STORE", "file:///x"}, {"AWS_BUCKET", "y"}}).address);
  }

  void reads_credentials_under_other_names() {
    const auto settings = from({{"AWS_ACCESS_KEY_ID", "app's"},
                                {"AWS_SECRET_ACCESS_KEY", "app's"},
                                {"TIGRIS_ID", "id"},
                                {"TIGRIS_SECRET", "hush"},
                                {"MIDAIR_ACCESS_KEY_ID_FROM", "TIGRIS_ID"},
                                {"MIDAIR_SECRET_ACCESS_KEY_FROM", "TIGRIS_SECRET"}});
    CPPUNIT_ASSERT_EQUAL(std::string("id"), settings.access_key_id);
    CPPUNIT_ASSERT_EQUAL(std::string("hush"), settings.secret_access_key.reveal());
  }

  void has_tigris_as_the_default_endpoint() {
    const auto settings = from({});
    CPPUNIT_ASSERT_EQUAL(std::string("https://t3.storage.dev"), settings.endpoint);
    CPPUNIT_ASSERT_EQUAL(std::string("auto"), settings.region);
    CPPUNIT_ASSERT(!settings.path_style);
    CPPUNIT_ASSERT(from({{"MIDAIR_S3_PATH_STYLE", "true"}}).path_style);
    CPPUNIT_ASSERT(from({{"AWS_ENDPOINT_URL_S3", "https://localhost:1"}}).path_style);
    CPPUNIT_ASSERT(
        !from({{"AWS_ENDPOINT_URL_S3", "https://localhost:1"}, {"MIDAIR_S3_PATH_STYLE", "false"}}).path_style);
    CPPUNIT_ASSERT_EQUAL(std::string("https://bucket.t3.storage.dev/k"), open(s3("s3://bucket", ""))->url_of("k"));
  }

  void opens_directories() {
    const TempDir scratch;
    StoreSettings settings;
    settings.address = "file://" + scratch.path().string() + "/a%20b//c/./";
    const auto store = open(settings);
    CPPUNIT_ASSERT(std::filesystem::is_directory(scratch.path() / "a b" / "c"));
    CPPUNIT_ASSERT_EQUAL("file://" + scratch.path().string() + "/a%20b/c/k", store->url_of("k"));
  }

  void creates_no_directory_only_to_read() {
    const TempDir scratch;
    StoreSettings settings;
    settings.address = "file://" + scratch.path().string() + "/typo";
    settings.if_missing = IfMissing::refuse;
    assert_fails(open_store(settings), Errc::unavailable, "the directory is not there");
    CPPUNIT_ASSERT(!std::filesystem::exists(scratch.path() / "typo"));
    std::filesystem::create_directory(scratch.path() / "typo");
    CPPUNIT_ASSERT(open(settings)->list("", {})->empty());
    CPPUNIT_ASSERT(std::filesystem::is_empty(scratch.path() / "typo"));
  }

  void says_which_setting_is_unusable() {
    const auto fails = [](const StoreSettings& settings, const std::string& word) {
      const auto store = open_store(settings);
      CPPUNIT_ASSERT_MESSAGE(settings.address + " " + word, !store.ok());
      CPPUNIT_ASSERT(store.error().code == Errc::bad_input);
      CPPUNIT_ASSERT_MESSAGE(store.error().to_string(), store.error().to_string().find(word) != std::string::npos);
    };
    fails({}, "MIDAIR_STORE");
    for (const char* address : {"ftp://x", "/tmp/x", "s4://x", "bucket"}) fails(s3(address, ""), "s3://BUCKET");
    for (const char* address : {"s3://", "s3://ab", "s3://-ab", "s3://bu cket", "s3://bucket//x", "s3://bucket/../x",
                                "s3://user@bucket", "s3://bucket:80", "s3://a..b"})
      fails(s3(address, ""), "MIDAIR_STORE");
    for (const char* address : {"file://", "file://x/y", "file:///%zz"}) fails(s3(address, ""), "file:///DIR");
    for (const char* endpoint :
         {"fly.storage.tigris.dev", "https://", "https://host/path", "https://user:pw@host", "https://host:0",
          "https://host:99999", "https://host?x", "ftp://host", "https://ho st"})
      fails(s3("s3://bucket", endpoint), "AWS_ENDPOINT_URL_S3");
    StoreSettings settings = s3("s3://bucket", "");
    settings.access_key_id = "a\r\nX-Evil: 1";
    fails(settings, "AWS_ACCESS_KEY_ID");
    settings = s3("s3://bucket", "");
    settings.secret_access_key = Secret();
    fails(settings, "AWS_SECRET_ACCESS_KEY");
    settings = s3("s3://bucket", "");
    settings.session_token = Secret("a b");
    fails(settings, "AWS_SESSION_TOKEN");
    settings = s3("s3://bucket", "");
    settings.region = "eu west";
    fails(settings, "AWS_REGION");
    settings = s3("s3://bucket", "");
    settings.ca_file = "/nonexistent.pem";
    fails(settings, "MIDAIR_CA_FILE");
  }

  void names_a_bucket_in_path_or_host() {
    StoreSettings settings = s3("s3://bucket/pre/fix/", "https://S3.example:443/");
    CPPUNIT_ASSERT_EQUAL(std::string("https://bucket.s3.example/pre/fix/a%20b%2B/c"), open(settings)->url_of("a b+/c"));
    CPPUNIT_ASSERT_EQUAL(std::string("s3://bucket/pre/fix at https://s3.example"), open(settings)->name());
    settings.path_style = true;
    CPPUNIT_ASSERT_EQUAL(std::string("https://s3.example/bucket/pre/fix/c"), open(settings)->url_of("c"));
    CPPUNIT_ASSERT_EQUAL(std::string("http://127.0.0.1:9000/bucket/c"),
                         open(s3("s3://bucket", "http://127.0.0.1:9000"))->url_of("c"));
    CPPUNIT_ASSERT_EQUAL(std::string("https://s3.example/buck.et/c"),
                         open(s3("s3://buck.et", "https://s3.example"))->url_of("c"));
  }

  void finds_the_key_behind_an_address_in_the_bucket() {
    const auto store = open(s3("s3://bucket/p", "https://s3.example"));
    for (const char* url : {"https://bucket.s3.example/p/releases/x", "https://s3.example/bucket/p/releases/x",
                            "https://s3.example:443/bucket/p/releases/x", "HTTPS://S3.Example/bucket/p/releases/x",
                            "https://s3.example/bucket/p/%72eleases/x"})
      CPPUNIT_ASSERT_MESSAGE(url, store->key_of(url) == "releases/x");
  }

  void takes_the_names_of_tigris_for_one_store() {
    for (const char* endpoint : {"", "https://t3.storage.dev", "https://fly.storage.tigris.dev"}) {
      const auto store = open(s3("s3://bucket", endpoint));
      for (const char* url :
           {"https://bucket.t3.storage.dev/releases/x", "https://t3.storage.dev/bucket/releases/x",
            "https://bucket.fly.storage.tigris.dev/releases/x", "https://fly.storage.tigris.dev/bucket/releases/x"})
        CPPUNIT_ASSERT_MESSAGE(url, store->key_of(url) == "releases/x");
      for (const char* url :
           {"https://other.t3.storage.dev/releases/x", "https://t3.storage.dev/other/releases/x",
            "https://bucket.storage.dev/x", "https://buckett3.storage.dev/x", "http://t3.storage.dev/bucket/x",
            "https://t3.storage.dev:8443/bucket/x", "https://bucket.s3.example/x"})
        CPPUNIT_ASSERT_MESSAGE(url, !store->key_of(url));
    }
    CPPUNIT_ASSERT(!open(s3("s3://bucket", "https://s3.example"))->key_of("https://t3.storage.dev/bucket/x"));
  }

  void is_not_fooled_by_addresses_elsewhere() {
    const auto store = open(s3("s3://bucket/p", "https://s3.example"));
    for (const char* url : {"https://s3.example/bucket-evil/p/x",
                            "https://bucket-evil.s3.example/p/x",
                            "https://s3.example/bucket/p-evil/x",
                            "https://s3.example/bucket/x",
                            "https://s3.example/bucket/p",
                            "https://s3.example/bucket/p/",
                            "https://s3.example/BUCKET/p/x",
                            "http://s3.example/bucket/p/x",
                            "https://s3.example:8443/bucket/p/x",
                            "https://evil@s3.example/bucket/p/x",
                            "https://s3.example@evil/bucket/p/x",
                            "https://s3.example.evil/bucket/p/x",
                            "https://evil/https://s3.example/bucket/p/x",
                            "https://s3.example/bucket/p/../../other/p/x",
                            "https://s3.example/bucket/p/%2e%2e/x",
                            "https://s3.example/bucket/p/.%2E/x",
                            "https://s3.example/bucket%2Fp/x",
                            "https://s3.example/bucket/p%2Fx",
                            "https://s3.example//bucket/p/x",
                            "https://s3.example/bucket//p/x",
                            "https://s3.example/bucket/p//x",
                            "https://s3.example/bucket/p/x?y",
                            "https://s3.example/bucket/p/x#y",
                            "https://s3.example/bucket/p/x%00",
                            "https://s3.example/bucket/p/x%0a",
                            "https://s3.example/bucket/p/x%",
                            "https://s3.example\\@evil/bucket/p/x",
                            "https:s3.example/bucket/p/x",
                            "//s3.example/bucket/p/x",
                            " https://s3.example/bucket/p/x",
                            "s3://bucket/p/x",
                            "file:///bucket/p/x",
                            ""})
      CPPUNIT_ASSERT_MESSAGE(url, !store->key_of(url));
  }

  void is_not_fooled_by_directories_elsewhere() {
    const TempDir scratch;
    StoreSettings settings;
    settings.address = "file://" + scratch.path().string() + "/dir";
    const auto store = open(settings);
    CPPUNIT_ASSERT(store->key_of(settings.address + "/x") == "x");
    for (const std::string& rest :
         {std::string("-evil/x"), std::string("/../x"), std::string("/%2e%2e/x"), std::string("/.midair/lock"),
          std::string("//x"), std::string(""), std::string("/"), std::string("/x%2Fy")})
      CPPUNIT_ASSERT_MESSAGE(rest, !store->key_of(settings.address + rest));
    CPPUNIT_ASSERT(!store->key_of("file://localhost" + scratch.path().string() + "/dir/x"));
  }

  void shows_no_secret() {
    const auto store = open(s3("s3://bucket", "https://s3.example"));
    for (const std::string& text : {store->name(), store->url_of("x")})
      CPPUNIT_ASSERT(text.find("hush") == std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(OpenStoreTest, "open_store");

}  // namespace midair
