#include "release/dir_tree.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

namespace fs = std::filesystem;

class DirTreeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DirTreeTest);
  CPPUNIT_TEST(creates_parents_and_exact_modes_whatever_the_umask);
  CPPUNIT_TEST(never_replaces_a_file);
  CPPUNIT_TEST(follows_no_link_to_a_directory);
  CPPUNIT_TEST(follows_no_link_to_a_file);
  CPPUNIT_TEST(stays_in_the_directory_it_opened_when_a_link_takes_its_place);
  CPPUNIT_TEST(opens_regular_files_only);
  CPPUNIT_TEST(links_are_made_and_read_but_never_followed);
  CPPUNIT_TEST(tells_whether_it_is_empty);
  CPPUNIT_TEST(a_missing_root_is_bad_input);
  CPPUNIT_TEST(flushes_few_files_one_by_one_and_many_at_once);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  const fs::path root_ = temp_ / "root";
  const fs::path outside_ = temp_ / "outside";

 public:
  void setUp() override {
    fs::create_directory(root_);
    fs::create_directory(outside_);
  }

 private:
  DirTree tree() { return value_of(DirTree::open(root_)); }

  static unsigned mode_of(const fs::path& path) {
    struct stat status {};
    CPPUNIT_ASSERT_EQUAL_MESSAGE(path.string(), 0, ::lstat(path.c_str(), &status));
    return status.st_mode & 07777;
  }

  void creates_parents_and_exact_modes_whatever_the_umask() {
    const mode_t old = ::umask(0077);
    DirTree t = tree();
    const bool created = t.create_file("a/b/run", 0755).ok() && t.create_file("a/data", 0644).ok() &&
                         t.create_directory("a/c", 0755).ok() && t.create_directory("a/c", 0755).ok();
    ::umask(old);
    CPPUNIT_ASSERT(created);
    CPPUNIT_ASSERT_EQUAL(0755U, mode_of(root_ / "a/b/run"));
    CPPUNIT_ASSERT_EQUAL(0644U, mode_of(root_ / "a/data"));
    for (const char* dir : {"a", "a/b", "a/c"}) CPPUNIT_ASSERT_EQUAL(0755U, mode_of(root_ / dir));
  }

  void never_replaces_a_file() {
    DirTree t = tree();
    CPPUNIT_ASSERT(t.create_file("a", 0644).ok());
    assert_fails(t.create_file("a", 0644), Errc::io, "exists");
    assert_fails(t.create_file("a/b", 0644), Errc::io, "root/a");
  }

  void follows_no_link_to_a_directory() {
    fs::create_directory_symlink(outside_, root_ / "link");
    DirTree t = tree();
    CPPUNIT_ASSERT(!t.create_file("link/x", 0644).ok());
    CPPUNIT_ASSERT(!t.create_directory("link/d", 0755).ok());
    CPPUNIT_ASSERT(!t.create_directory("link", 0755).ok());
    CPPUNIT_ASSERT(fs::is_empty(outside_));
  }

  void follows_no_link_to_a_file() {
    fs::create_symlink(outside_ / "x", root_ / "x");
    DirTree t = tree();
    CPPUNIT_ASSERT(!t.create_file("x", 0644).ok());
    CPPUNIT_ASSERT(fs::is_empty(outside_));
    assert_ok(write_file_durably(outside_ / "x", "secret"));
    CPPUNIT_ASSERT(!t.open_file("x").ok());
  }

  void stays_in_the_directory_it_opened_when_a_link_takes_its_place() {
    DirTree t = tree();
    CPPUNIT_ASSERT(t.create_file("a/first", 0644).ok());
    fs::rename(root_ / "a", root_ / "was-a");
    fs::create_directory_symlink(outside_, root_ / "a");
    CPPUNIT_ASSERT(t.create_file("a/second", 0644).ok());  // still by the old descriptor
    CPPUNIT_ASSERT(t.create_file("b", 0644).ok());         // leaves the directory
    CPPUNIT_ASSERT(!t.create_file("a/third", 0644).ok());
    CPPUNIT_ASSERT(fs::exists(root_ / "was-a/second"));
    CPPUNIT_ASSERT(fs::is_empty(outside_));
  }

  void opens_regular_files_only() {
    fs::create_directory(root_ / "dir");
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((root_ / "fifo").c_str(), 0600));
    DirTree t = tree();
    assert_fails(t.open_file("dir"), Errc::refused, "not a regular file");
    assert_fails(t.open_file("fifo"), Errc::refused, "not a regular file");
    assert_fails(t.open_file("none"), Errc::not_found, "root/none");
    assert_fails(t.open_file("none/x"), Errc::not_found, "root/none");
    CPPUNIT_ASSERT(!fs::exists(root_ / "none"));
  }

  void links_are_made_and_read_but_never_followed() {
    DirTree t = tree();
    assert_ok(t.create_link("a/link", "../../outside"));
    CPPUNIT_ASSERT_EQUAL(std::string("../../outside"), value_of(t.read_link("a/link")));
    CPPUNIT_ASSERT(!t.create_file("a/link/x", 0644).ok());
    CPPUNIT_ASSERT(!t.create_directory("a/link/d", 0755).ok());
    CPPUNIT_ASSERT(!t.create_link("a/link/l", "x").ok());
    assert_fails(t.create_link("a/link", "x"), Errc::io, "exists");
    CPPUNIT_ASSERT(!t.mode_of_directory("a/link").ok());
    CPPUNIT_ASSERT(fs::is_empty(outside_));
    CPPUNIT_ASSERT(t.create_file("file", 0600).ok());
    assert_fails(t.create_link("file", "x"), Errc::io, "exists");
    assert_fails(t.read_link("file"), Errc::refused, "not a symbolic link");
    assert_fails(t.read_link("none"), Errc::not_found, "root/none");
    assert_ok(t.create_directory("a", 0700));
    CPPUNIT_ASSERT_EQUAL(0700U, value_of(t.mode_of_directory("a")) & 07777);
    assert_ok(t.sync({"file"}, {"a"}));
  }

  void tells_whether_it_is_empty() {
    DirTree t = tree();
    assert_ok(t.check_empty());
    assert_ok(t.check_empty());
    CPPUNIT_ASSERT(t.create_file(".hidden", 0644).ok());
    assert_fails(t.check_empty(), Errc::bad_input, "not empty");
  }

  void a_missing_root_is_bad_input() {
    assert_fails(DirTree::open(temp_ / "none"), Errc::bad_input, "none");
    assert_ok(write_file_durably(temp_ / "file", ""));
    assert_fails(DirTree::open(temp_ / "file"), Errc::bad_input, "file");
  }

  void flushes_few_files_one_by_one_and_many_at_once() {
    DirTree t = tree();
    for (const char* name : {"a/b/c", "a/d", "e"}) CPPUNIT_ASSERT(t.create_file(name, 0644).ok());
    assert_ok(t.sync({"a/b/c", "a/d", "e"}, {"a", "a/b"}));
    assert_fails(t.sync({"a/b/c", "a/none"}, {}), Errc::not_found, "a/none");
    assert_ok(t.sync(std::vector<std::string_view>(1000, "e"), {}));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(DirTreeTest, "dir_tree");

}  // namespace midair
