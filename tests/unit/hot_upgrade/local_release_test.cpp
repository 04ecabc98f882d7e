#include "local_release.h"

#include <cppunit/extensions/HelperMacros.h>
#include <stdlib.h>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::host::hot {

class LocalReleaseTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LocalReleaseTest);
  CPPUNIT_TEST(the_version_asked_for_goes_first_then_the_manifests_then_the_fallback);
  CPPUNIT_TEST(unusable_versions_and_directories_are_refused);
  CPPUNIT_TEST(it_leaves_no_file_behind);
  CPPUNIT_TEST_SUITE_END();

  TempDir dir_;

  void the_version_asked_for_goes_first_then_the_manifests_then_the_fallback() {
    CPPUNIT_ASSERT_EQUAL(std::string("f"), value_of(choose_version(dir_.path(), {}, "f")));
    assert_ok(write_file_durably(dir_ / "midair.json", R"({"strategy":"handover"})"));
    CPPUNIT_ASSERT_EQUAL(std::string("f"), value_of(choose_version(dir_.path(), {}, "f")));
    assert_ok(write_file_durably(dir_ / "midair.json", R"({"version":"1.4"})"));
    CPPUNIT_ASSERT_EQUAL(std::string("1.4"), value_of(choose_version(dir_.path(), {}, "f")));
    CPPUNIT_ASSERT_EQUAL(std::string("a"), value_of(choose_version(dir_.path(), "a", "f")));
  }

  void unusable_versions_and_directories_are_refused() {
    for (const char* version : {"", "current", "../x", "a b"})
      assert_fails(choose_version(dir_.path(), version, "f"), Errc::bad_input);
    assert_fails(choose_version(dir_ / "none", "a", "f"), Errc::not_found, "there is no such directory");
    assert_ok(write_file_durably(dir_ / "file", ""));
    assert_fails(choose_version(dir_ / "file", "a", "f"), Errc::not_found);
    assert_ok(write_file_durably(dir_ / "midair.json", R"({"version":1})"));
    assert_fails(choose_version(dir_.path(), {}, "f"), Errc::corrupt, "version");
  }

  void it_leaves_no_file_behind() {
    assert_ok(make_private_dir(dir_ / "tmp"));
    assert_ok(make_private_dir(dir_ / "release"));
    assert_ok(write_file_durably(dir_ / "release/app", "hello"));
    ::setenv("TMPDIR", (dir_ / "tmp").c_str(), 1);
    const auto release = pack_locally(dir_ / "release", "web", "v1", {}, {});
    ::unsetenv("TMPDIR");
    CPPUNIT_ASSERT(release.ok());
    CPPUNIT_ASSERT(std::filesystem::is_empty(dir_ / "tmp"));
    const auto tarball = release->tarball();
    CPPUNIT_ASSERT_EQUAL(tarball.digest, value_of(sha256_of_fd(tarball.fd, tarball.size, "tarball")));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LocalReleaseTest, "local_release");

}  // namespace midair::host::hot
