#include "release/writable_links.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>

#include <fstream>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "state/tree.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class WritableLinksTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WritableLinksTest);
  CPPUNIT_TEST(a_kept_place_is_the_same_for_each_release);
  CPPUNIT_TEST(a_directory_of_the_image_comes_first);
  CPPUNIT_TEST(what_the_release_has_there_goes_there_once);
  CPPUNIT_TEST(what_the_app_put_there_is_not_written_through);
  CPPUNIT_TEST(a_fresh_place_is_empty_for_each_generation);
  CPPUNIT_TEST(a_fresh_place_may_lie_below_a_kept_one);
  CPPUNIT_TEST(a_sealed_release_can_be_mended);
  CPPUNIT_TEST(what_is_no_directory_is_refused);
  CPPUNIT_TEST(the_manifest_names_places_too);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  StateDir state_ = value_of(StateDir::open(temp_ / "state"));
  const std::string digest_ = std::string(64, 'a');

  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  static std::string read(const fs::path& path) { return value_of(read_file(path, 1000)); }

  fs::path release(const std::string& name) {
    fs::path directory = temp_ / name;
    write(directory / "app", name);
    return directory;
  }
  WritableLinks links(std::vector<std::string> kept, std::vector<std::string> fresh = {}) {
    return {state_, temp_ / "base", value_of(WritablePlaces::make(std::move(kept), std::move(fresh)))};
  }

  void a_kept_place_is_the_same_for_each_release() {
    const fs::path one = release("one"), two = release("two");
    value_of(links({"var/tmp"}).make(one, digest_, {}));
    write(one / "var/tmp/x", "kept");
    value_of(links({"var/tmp"}).make(two, digest_, {}));
    CPPUNIT_ASSERT_EQUAL(std::string("kept"), read(two / "var/tmp/x"));
    CPPUNIT_ASSERT(fs::is_symlink(two / "var/tmp") && !fs::is_symlink(two / "var"));
    CPPUNIT_ASSERT_EQUAL(fs::canonical(state_.kept_places() / "var/tmp"), fs::canonical(one / "var/tmp"));
    struct stat status {};
    CPPUNIT_ASSERT_EQUAL(0, ::stat((two / "var/tmp").c_str(), &status));
    CPPUNIT_ASSERT_EQUAL(mode_t{01777}, status.st_mode & 07777);
  }

  void a_directory_of_the_image_comes_first() {
    write(temp_ / "base/storage/db", "data");
    const fs::path one = release("one");
    value_of(links({"storage", "tmp"}).make(one, digest_, {}));
    CPPUNIT_ASSERT_EQUAL(std::string("data"), read(one / "storage/db"));
    fs::create_directories(temp_ / "base/tmp");  // too late: what is kept stays where it is
    const fs::path two = release("two");
    value_of(links({"storage", "tmp"}).make(two, digest_, {}));
    CPPUNIT_ASSERT_EQUAL(fs::read_symlink(one / "tmp"), fs::read_symlink(two / "tmp"));
  }

  void what_the_release_has_there_goes_there_once() {
    const fs::path one = release("one"), two = release("two");
    write(one / "log/.keep", "one");
    write(two / "log/.keep", "two");
    write(two / "log/sub/new", "new");
    value_of(links({"log"}).make(one, digest_, {}));
    value_of(links({"log"}).make(two, digest_, {}));
    CPPUNIT_ASSERT_EQUAL(std::string("one"), read(two / "log/.keep"));
    CPPUNIT_ASSERT_EQUAL(std::string("new"), read(one / "log/sub/new"));
    const auto there = std::distance(fs::directory_iterator(one / "log"), fs::directory_iterator());
    CPPUNIT_ASSERT_EQUAL_MESSAGE("nothing of ours stays", std::ptrdiff_t{2}, there);
  }

  void what_the_app_put_there_is_not_written_through() {
    const fs::path one = release("one"), two = release("two");
    value_of(links({"log"}, {"log/run"}).make(one, digest_, {}));
    fs::create_directory(temp_ / "elsewhere");
    write(temp_ / "elsewhere/precious", "1");
    fs::create_directory_symlink(temp_ / "elsewhere", one / "log/sub");
    fs::create_directory_symlink(temp_ / "elsewhere", one / "log/run");
    write(two / "log/sub/new", "new");
    const auto made = value_of(links({"log"}, {"log/run"}).make(two, digest_, {}));
    assert_ok(renew(made.fresh));
    CPPUNIT_ASSERT(!fs::exists(temp_ / "elsewhere/new") && fs::exists(temp_ / "elsewhere/precious"));
    CPPUNIT_ASSERT(!fs::is_symlink(two / "log/run") && fs::is_empty(two / "log/run"));
  }

  void a_fresh_place_is_empty_for_each_generation() {
    const fs::path one = release("one");
    write(one / "run/.keep", "");
    const auto made = value_of(links({}, {"run"}).make(one, digest_, {}));
    for (int generation = 0; generation < 2; ++generation) {
      assert_ok(renew(made.fresh));
      CPPUNIT_ASSERT(fs::is_empty(one / "run"));
      write(one / "run/deep/server.pid", "1");
    }
    const fs::path two = release("two");
    assert_ok(renew(value_of(links({}, {"run"}).make(two, std::string(64, 'b'), {})).fresh));
    CPPUNIT_ASSERT(fs::exists(one / "run/deep/server.pid"));  // of a release that may still run
  }

  void a_fresh_place_may_lie_below_a_kept_one() {
    const fs::path one = release("one"), two = release("two");
    const auto first = value_of(links({"tmp"}, {"tmp/a/pids"}).make(one, digest_, {}));
    assert_ok(renew(first.fresh));
    write(one / "tmp/a/pids/server.pid", "1");
    write(one / "tmp/cache", "1");
    const auto second = value_of(links({"tmp"}, {"tmp/a/pids"}).make(two, std::string(64, 'b'), {}));
    assert_ok(renew(second.fresh));
    CPPUNIT_ASSERT(fs::is_empty(two / "tmp/a/pids") && fs::exists(two / "tmp/cache"));
  }

  void a_sealed_release_can_be_mended() {
    const fs::path one = release("one");
    write(one / "log/old", "1");
    assert_ok(seal_tree(one));
    value_of(links({"log", "new/place"}, {"run"}).make(one, digest_, {}));
    write(one / "new/place/x", "1");
    CPPUNIT_ASSERT_EQUAL(std::string("1"), read(one / "log/old"));
    struct stat status {};
    CPPUNIT_ASSERT_EQUAL(0, ::stat(one.c_str(), &status));
    CPPUNIT_ASSERT_EQUAL(mode_t{0555}, status.st_mode & 07777);
    fs::permissions(one, fs::perms::owner_write, fs::perm_options::add);
    fs::remove(one / "run");
    fs::create_directory_symlink("/nowhere", one / "run");  // as if the state directory had moved
    assert_ok(renew(value_of(links({"log"}, {"run"}).make(one, digest_, {})).fresh));
    CPPUNIT_ASSERT(fs::is_empty(one / "run"));
    assert_ok(remove_tree(one));
    CPPUNIT_ASSERT(fs::exists(state_.kept_places() / "log/old"));
  }

  void what_is_no_directory_is_refused() {
    const fs::path one = release("one");
    assert_fails(links({"app"}).make(one, digest_, {}), Errc::refused, "something else than a directory");
    assert_fails(links({"app/tmp"}).make(one, digest_, {}), Errc::refused, "on the way there");
    fs::create_directory_symlink("/tmp", one / "link");
    Manifest manifest;
    manifest.links = {{"link", "/tmp"}};
    assert_fails(links({"link"}).make(one, digest_, manifest), Errc::refused, "something else than a directory");
    assert_fails(links({}, {"link/x"}).make(one, digest_, {}), Errc::refused, "on the way there");
  }

  void the_manifest_names_places_too() {
    const fs::path one = release("one");
    Manifest manifest;
    manifest.writable = value_of(WritablePlaces::make({"cache"}, {"log/pids"}));
    const auto made = value_of(links({"log"}).make(one, digest_, manifest));
    CPPUNIT_ASSERT(fs::is_symlink(one / "cache") && fs::is_symlink(one / "log"));
    CPPUNIT_ASSERT(made.places.kept == (std::vector<std::string>{"cache", "log"}) && made.fresh.size() == 1);
    manifest.writable = value_of(WritablePlaces::make({}, {"log"}));
    assert_fails(links({"log"}).make(one, digest_, manifest), Errc::refused, "both");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(WritableLinksTest, "writable_links");

}  // namespace midair::sidecar
