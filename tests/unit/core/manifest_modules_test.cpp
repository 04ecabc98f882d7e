#include <cppunit/extensions/HelperMacros.h>

#include "midair/release/manifest.h"
#include "result_asserts.h"

namespace midair {

namespace {

Manifest in_place() {
  Manifest manifest;
  manifest.app = "my_app";
  manifest.version = "2";
  manifest.strategy = kInPlace;
  manifest.files = {{"modules/cart.so", 1, std::string(64, 'a'), false},
                    {"modules/chat.so", 1, std::string(64, 'b'), false}};
  manifest.modules = {{"cart", "modules/cart.so", "0123456789abcdef"}, {"chat", "modules/chat.so", "ff"}};
  return manifest;
}

Result<Manifest> read(const Manifest& manifest) { return Manifest::parse(manifest.to_json(), "midair.json"); }

}  // namespace

class ManifestModulesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ManifestModulesTest);
  CPPUNIT_TEST(survive_a_round_trip);
  CPPUNIT_TEST(belong_to_the_in_place_strategy_and_to_no_other);
  CPPUNIT_TEST(have_names_build_ids_and_files);
  CPPUNIT_TEST(are_in_order_and_there_once);
  CPPUNIT_TEST(are_few_enough_for_one_message);
  CPPUNIT_TEST(of_wrong_types_are_refused);
  CPPUNIT_TEST_SUITE_END();

  void survive_a_round_trip() {
    const Manifest manifest = value_of(read(in_place()));
    CPPUNIT_ASSERT_EQUAL(in_place().to_json(), manifest.to_json());
    CPPUNIT_ASSERT_EQUAL(std::string("modules/chat.so"), manifest.modules[1].path);
  }

  void belong_to_the_in_place_strategy_and_to_no_other() {
    Manifest manifest = in_place();
    manifest.strategy = "handover";
    assert_fails(read(manifest), Errc::refused, "its strategy is handover");
    manifest = in_place();
    manifest.modules.clear();
    assert_fails(read(manifest), Errc::refused, "it has no modules");
  }

  void have_names_build_ids_and_files() {
    const auto assert_refused = [](auto spoil, const char* why) {
      Manifest manifest = in_place();
      spoil(manifest.modules[0]);
      assert_fails(read(manifest), Errc::refused, why);
    };
    assert_refused([](ManifestModule& module) { module.name = ""; }, "name");
    assert_refused([](ManifestModule& module) { module.name = "a/b"; }, "name");
    assert_refused([](ManifestModule& module) { module.name = std::string(65, 'a'); }, "name");
    assert_refused([](ManifestModule& module) { module.build_id = ""; }, "build id");
    assert_refused([](ManifestModule& module) { module.build_id = "abc"; }, "build id");
    assert_refused([](ManifestModule& module) { module.build_id = "AB"; }, "build id");
    assert_refused([](ManifestModule& module) { module.build_id = std::string(130, 'a'); }, "build id");
    assert_refused([](ManifestModule& module) { module.path = "modules/other.so"; }, "doesn't have");
  }

  void are_in_order_and_there_once() {
    Manifest manifest = in_place();
    std::swap(manifest.modules[0], manifest.modules[1]);
    assert_fails(read(manifest), Errc::refused, "byte order");
    manifest.modules[1].name = "chat";
    assert_fails(read(manifest), Errc::refused, "there twice");
  }

  void are_few_enough_for_one_message() {
    Manifest manifest = in_place();
    manifest.modules.assign(kMaxModules + 1, {"cart", "modules/cart.so", "ff"});
    assert_fails(read(manifest), Errc::refused, "more than 32");
  }

  void of_wrong_types_are_refused() {
    const auto with_modules = [](const std::string& modules) {
      std::string text = in_place().to_json();
      const auto start = text.find("\"modules\":[");
      const auto end = text.find(']', start);
      return Manifest::parse(text.replace(start, end - start + 1, "\"modules\":" + modules), "midair.json");
    };
    assert_fails(with_modules("{}"), Errc::corrupt, "modules");
    assert_fails(with_modules("[1]"), Errc::corrupt, "not an object");
    assert_fails(with_modules(R"([{"name":1,"path":"modules/cart.so","build_id":"ff"}])"), Errc::corrupt, "name");
    assert_fails(with_modules(R"([{"name":"cart","build_id":"ff"}])"), Errc::corrupt, "path");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ManifestModulesTest, "manifest_modules");

}  // namespace midair
