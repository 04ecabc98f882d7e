#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "sessions_app.h"

extern "C" {
#include "preload.h"
}

namespace midair {

class PreloadTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PreloadTest);
  CPPUNIT_TEST(lets_a_good_module_pass);
  CPPUNIT_TEST(refuses_constructors_that_do_more_than_they_may);
  CPPUNIT_TEST(does_not_wait_for_ever);
  CPPUNIT_TEST(refuses_what_cannot_be_loaded);
  CPPUNIT_TEST(refuses_tables_that_are_wrong);
  CPPUNIT_TEST(refuses_files_that_cannot_be_swapped);
  CPPUNIT_TEST(refuses_another_build_id);
  CPPUNIT_TEST_SUITE_END();

  static std::string problem(const std::string& variant, std::uint64_t end_ns = in_a_minute(),
                             const char* build_id = nullptr) {
    const std::string path = module_path(variant, "evil");
    midair_lint lint{};
    midair_lint_file(path.c_str(), &lint);
    midair_error error{};
    const auto status =
        midair_preload_check(path.c_str(), "evil", build_id != nullptr ? build_id : lint.build_id, end_ns, &error);
    CPPUNIT_ASSERT_EQUAL(status == MIDAIR_OK, error.text[0] == '\0');
    return error.text;
  }

  static void refuse(const std::string& why, const std::string& variant) {
    const std::string found = problem(variant);
    CPPUNIT_ASSERT_MESSAGE(variant + ": " + found, found.find(why) != std::string::npos);
  }

  void lets_a_good_module_pass() { CPPUNIT_ASSERT_EQUAL(std::string(), problem("not_evil")); }

  void refuses_constructors_that_do_more_than_they_may() {
    refuse("crashes when it is loaded: signal 5", "constructor_crashes");
    refuse("ends the process that loads it", "constructor_exits");
    refuse("starts threads", "constructor_starts_a_thread");
  }

  void does_not_wait_for_ever() {
    const std::string found = problem("constructor_hangs", midair_now_ns() + 200'000'000);
    CPPUNIT_ASSERT_MESSAGE(found, found.find("doesn't come to an end") != std::string::npos);
  }

  void refuses_what_cannot_be_loaded() {
    refuse("undefined symbol: nobody_defines_this", "undefined_symbol");
    refuse("cannot be opened", "no_such_variant");
  }

  void refuses_tables_that_are_wrong() {
    refuse("is built for version 2 of the module ABI, not 1", "wrong_abi");
    refuse("calls itself 'good'", "wrong_name");
    refuse("lacks its version, calls, start or stop", "no_start");
    refuse("no export_state or import_state", "schema_without_export");
    refuse("exports no midair_module_table", "no_table");
  }

  void refuses_files_that_cannot_be_swapped() {
    refuse("GNU-unique", "unique");
    refuse("text relocations", "text_relocation");
    refuse("executable stack", "executable_stack");
    refuse("RPATH", "runpath");
    refuse("no build id", "no_build_id");
  }

  void refuses_another_build_id() {
    const std::string found = problem("not_evil", in_a_minute(), "0123456789abcdef");
    CPPUNIT_ASSERT_MESSAGE(found, found.find("not the expected 0123456789abcdef") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PreloadTest, "preload");

}  // namespace midair
