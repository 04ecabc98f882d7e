#include "process/release_command.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>

#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class ReleaseCommandTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReleaseCommandTest);
  CPPUNIT_TEST(absolute_paths_below_the_base_directory_become_the_release_s);
  CPPUNIT_TEST(the_rest_stays);
  CPPUNIT_TEST(a_base_directory_may_be_a_link);
  CPPUNIT_TEST(no_directory_maps_nothing);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  const fs::path base_ = directory_ / "app";
  const fs::path release_ = directory_ / "release";

 public:
  void setUp() override {
    for (const fs::path& place : {base_, release_}) {
      fs::create_directories(place / "lib");
      for (const char* name : {"server", "lib/x.py"}) std::ofstream(place / name) << name;
    }
    std::ofstream(base_ / "python") << "only the image has it";
  }

 private:
  [[nodiscard]] std::string mapped(const std::string& word) const {
    const ReleaseCommand command = release_command({"env", word}, base_, release_);
    CPPUNIT_ASSERT_EQUAL(std::string("env"), command.words.front());
    CPPUNIT_ASSERT_EQUAL(word != command.words.back(), command.mapped == std::vector{word});
    return command.words.back();
  }

  void absolute_paths_below_the_base_directory_become_the_release_s() {
    const std::string base = base_;
    const std::string release = release_;
    const std::vector<std::pair<std::string, std::string>> words{
        {base + "/server", release + "/server"},
        {base + "//server", release + "/server"},
        {"/" + base + "/./lib/../lib//x.py", release + "/lib/x.py"},
        {"--file=" + base + "/lib/x.py", "--file=" + release + "/lib/x.py"},
        {"X=" + base + "/server", "X=" + release + "/server"},
        {base, release},
        {base + "/", release},
        {"--chdir=" + base + "/lib", "--chdir=" + release + "/lib"},
    };
    for (const auto& [word, meant] : words) CPPUNIT_ASSERT_EQUAL(meant, mapped(word));
  }

  void the_rest_stays() {
    const std::string base = base_;
    const std::vector<std::string> words{base + "/python",
                                         base + "/missing",
                                         base + "x/server",
                                         base + "/../elsewhere/server",
                                         "./server",
                                         "server",
                                         "/usr/bin/env",
                                         "",
                                         "=",
                                         "--a=b=" + base + "/server",
                                         "cd " + base + " && ./server",
                                         base + "/lib:" + base + "/lib",
                                         "-I" + base + "/lib",
                                         base + "/server/" + std::string(300, 'x')};
    for (const std::string& word : words) CPPUNIT_ASSERT_EQUAL(word, mapped(word));
  }

  void a_base_directory_may_be_a_link() {
    const fs::path link = directory_ / "link";
    fs::create_directory_symlink(base_, link);
    const std::vector<std::string> both{link / "server", base_ / "server"};
    const std::vector<std::string> meant{release_ / "server", release_ / "server"};
    CPPUNIT_ASSERT(meant == release_command(both, link, release_).words);
    CPPUNIT_ASSERT(meant == release_command(both, link.string() + "/", release_).words);
  }

  void no_directory_maps_nothing() {
    const std::vector<std::string> command{base_ / "server", "/"};
    for (const char* none : {"", "/", "//", "/."})
      CPPUNIT_ASSERT_MESSAGE(none, command == release_command(command, none, release_).words);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReleaseCommandTest, "release_command");

}  // namespace midair::sidecar
