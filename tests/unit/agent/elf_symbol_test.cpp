#include "host/elf_symbol.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>

#include "midair/host/plugin.h"
#include "temp_dir.h"

namespace midair::host {

namespace fs = std::filesystem;

class ElfSymbolTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ElfSymbolTest);
  CPPUNIT_TEST(the_number_is_read_from_a_plugins_file);
  CPPUNIT_TEST(the_number_is_read_where_loading_would_end_the_process);
  CPPUNIT_TEST(a_library_without_the_symbol_is_no_plugin);
  CPPUNIT_TEST(what_is_no_shared_object_is_told_apart);
  CPPUNIT_TEST(a_file_cut_off_anywhere_is_an_error_and_never_a_crash);
  CPPUNIT_TEST_SUITE_END();

  static Result<std::uint32_t> read(const fs::path& path) { return read_elf_u32(path, "midair_plugin_abi"); }
  static fs::path fixture(const std::string& name) { return fs::path(MIDAIR_TEST_PLUGINS) / name; }

  void the_number_is_read_from_a_plugins_file() { CPPUNIT_ASSERT_EQUAL(kPluginAbi, read(fixture("good.so")).value()); }

  void the_number_is_read_where_loading_would_end_the_process() {
    CPPUNIT_ASSERT_EQUAL(std::uint32_t{999}, read(fixture("wrong_abi.so")).value());
  }

  void a_library_without_the_symbol_is_no_plugin() {
    const auto value = read_elf_u32(fixture("good.so"), "no_such_symbol");
    CPPUNIT_ASSERT(value.error().code == Errc::not_found);
  }

  void what_is_no_shared_object_is_told_apart() {
    const TempDir dir;
    std::ofstream(dir / "text.so") << "#!/bin/sh\n";
    std::ofstream(dir / "empty.so") << "";
    for (const char* name : {"text.so", "empty.so"})
      CPPUNIT_ASSERT_MESSAGE(name, read(dir / name).error().code == Errc::corrupt);
    CPPUNIT_ASSERT(read(dir / "missing.so").error().code == Errc::not_found);
  }

  void a_file_cut_off_anywhere_is_an_error_and_never_a_crash() {
    const TempDir dir;
    const fs::path cut = dir / "cut.so";
    fs::copy_file(fixture("good.so"), cut);
    for (auto size = fs::file_size(cut); size > 0; size = size * 3 / 4) {
      fs::resize_file(cut, size - 1);
      const auto value = read(cut);
      CPPUNIT_ASSERT(!value.ok() || *value == kPluginAbi);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ElfSymbolTest, "elf_symbol");

}  // namespace midair::host
