#include "release/release_modules.h"

#include <cppunit/extensions/HelperMacros.h>

#include <filesystem>

#include "release_fixture.h"

namespace midair {

namespace fs = std::filesystem;

class ReleaseModulesTest : public ReleaseFixture {
  CPPUNIT_TEST_SUITE(ReleaseModulesTest);
  CPPUNIT_TEST(lists_the_modules_of_an_in_place_release);
  CPPUNIT_TEST(the_option_wins_over_the_manifest);
  CPPUNIT_TEST(refuses_a_release_without_modules);
  CPPUNIT_TEST(refuses_modules_that_cannot_be_swapped_in);
  CPPUNIT_TEST(writable_variables_are_told_with_their_sizes);
  CPPUNIT_TEST(modules_without_a_strategy_are_told);
  CPPUNIT_TEST(asks_nothing_of_modules_that_are_not_swapped_in_place);
  CPPUNIT_TEST(survives_the_way_to_a_machine);
  CPPUNIT_TEST_SUITE_END();

  void add_module(const std::string& variant, const std::string& file, const std::string& name) {
    fs::create_directories((source_ / name).parent_path());
    fs::copy_file(fs::path(MIDAIR_TEST_MODULES) / variant / file, source_ / name);
  }

  Result<ReleasePlan> plan(const std::optional<std::string>& strategy) {
    return plan_release(source_, "my_app", "1", {}, {.strategy = strategy});
  }

  void lists_the_modules_of_an_in_place_release() {
    write_file(source_ / "midair.json", R"({"strategy":"in-place"})", 0644);
    add_module("v1", "sessions.so", "modules/sessions.so");
    add_module("not_evil", "evil.so", "modules/a.b.so");
    add_module("not_evil", "evil.so", "modules/deeper/ignored.so");
    write_file(source_ / "modules/readme", "no module", 0644);
    const auto modules = value_of(plan({})).manifest.modules;
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, modules.size());
    CPPUNIT_ASSERT_EQUAL(std::string("a.b"), modules[0].name);
    CPPUNIT_ASSERT_EQUAL(std::string("sessions"), modules[1].name);
    CPPUNIT_ASSERT_EQUAL(std::string("modules/sessions.so"), modules[1].path);
    CPPUNIT_ASSERT_EQUAL(std::size_t{40}, modules[1].build_id.size());
  }

  void the_option_wins_over_the_manifest() {
    write_file(source_ / "midair.json", R"({"strategy":"handover"})", 0644);
    add_module("v1", "sessions.so", "modules/sessions.so");
    CPPUNIT_ASSERT_EQUAL(std::string("in-place"), value_of(plan("in-place")).manifest.strategy);
    CPPUNIT_ASSERT(value_of(plan({})).manifest.modules.empty());
    assert_fails(plan("sideways"), Errc::bad_input, "unknown strategy 'sideways'");
  }

  void refuses_a_release_without_modules() {
    write_file(source_ / "server", "x", 0755);
    assert_fails(plan("in-place"), Errc::bad_input, "no modules/*.so");
  }

  void writable_variables_are_told_with_their_sizes() {
#ifdef __SANITIZE_ADDRESS__
    return;  // AddressSanitizer gives each module variables of its own
#endif
    add_module("not_evil", "evil.so", "modules/not.so");
    add_module("v1", "sessions.so", "modules/sessions.so");
    CPPUNIT_ASSERT(value_of(plan("in-place")).notices.empty());
    add_module("globals", "evil.so", "modules/globals.so");
    const auto notices = value_of(plan("in-place")).notices;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, notices.size());
    CPPUNIT_ASSERT_MESSAGE(notices[0], notices[0].starts_with("modules/globals.so has writable variables"));
    CPPUNIT_ASSERT_MESSAGE(
        notices[0],
        notices[0].find(": evil_cache (4096 bytes), visits (8 bytes), depth (4 bytes);") != std::string::npos);
  }

  void modules_without_a_strategy_are_told() {
    add_module("v1", "sessions.so", "modules/sessions.so");
    const auto notices = value_of(plan({})).notices;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, notices.size());
    CPPUNIT_ASSERT_MESSAGE(notices[0], notices[0].starts_with("there is modules/sessions.so, but no \"strategy\""));
    CPPUNIT_ASSERT(value_of(plan("handover")).notices.empty());
    write_file(source_ / "midair.json", R"({"strategy":"handover"})", 0644);
    CPPUNIT_ASSERT(value_of(plan({})).notices.empty());
  }

  void refuses_modules_that_cannot_be_swapped_in() {
    for (const auto& [variant, why] : {std::pair("unique", "GNU-unique"), std::pair("runpath", "RPATH"),
                                       std::pair("no_build_id", "no build id"), std::pair("no_table", "no module")}) {
      fs::remove_all(source_);
      add_module(variant, "evil.so", "modules/evil.so");
      assert_fails(plan("in-place"), Errc::bad_input, why);
    }
    write_file(source_ / "modules/evil.so", "no ELF", 0644);
    assert_fails(plan("in-place"), Errc::bad_input, "no ELF file");
  }

  void asks_nothing_of_modules_that_are_not_swapped_in_place() {
    add_module("unique", "evil.so", "modules/evil.so");
    CPPUNIT_ASSERT(value_of(plan({})).manifest.modules.empty());
  }

  void survives_the_way_to_a_machine() {
    write_file(source_ / "midair.json", R"({"strategy":"in-place"})", 0644);
    add_module("v1", "sessions.so", "modules/sessions.so");
    const Fd fd = tarball();
    const auto packed = value_of(pack(fd, source_));
    fs::create_directory(temp_ / "out");
    const auto manifest = value_of(extract_release(fd.get(), temp_ / "out", {}));
    CPPUNIT_ASSERT_EQUAL(packed.manifest.modules.at(0).build_id, manifest.modules.at(0).build_id);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReleaseModulesTest, "release_modules");

}  // namespace midair
