#include "swap/saved_state.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>

#include <fstream>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class SavedStateTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SavedStateTest);
  CPPUNIT_TEST(it_is_private_and_goes_with_its_owner);
  CPPUNIT_TEST(what_was_written_is_sealed_and_given_on);
  CPPUNIT_TEST(another_size_than_the_app_says_is_refused);
  CPPUNIT_TEST(a_file_put_in_its_place_is_refused);
  CPPUNIT_TEST(a_change_after_it_was_sealed_is_refused);
  CPPUNIT_TEST(without_room_in_memory_it_lies_in_the_state_directory);
  CPPUNIT_TEST(another_user_gets_to_own_it);
  CPPUNIT_TEST(what_a_killed_sidecar_left_is_removed_and_nothing_else);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  StateDir dir_ = value_of(StateDir::open(directory_ / "state"));

  SavedState create(std::uint64_t room = 0) { return value_of(SavedState::create(dir_, ::geteuid(), room)); }
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }
  static SavedState sealed(SavedState state) {
    write(state.path(), "42 carts");
    assert_ok(state.seal("cart/1", 8, {}));
    return state;
  }
  static struct stat status_of(const fs::path& path) {
    struct stat status {};
    CPPUNIT_ASSERT(::lstat(path.c_str(), &status) == 0);
    return status;
  }

  void it_is_private_and_goes_with_its_owner() {
    fs::path path;
    {
      const SavedState state = create();
      path = state.path();
      CPPUNIT_ASSERT_EQUAL(mode_t(S_IFREG | 0600), status_of(path).st_mode);
      SavedState other = create();
      const fs::path replaced = other.path();
      other = create();
      CPPUNIT_ASSERT(!fs::exists(replaced) && fs::exists(other.path()));
    }
    CPPUNIT_ASSERT(!fs::exists(path));
  }

  void what_was_written_is_sealed_and_given_on() {
    SavedState state = sealed(create());
    CPPUNIT_ASSERT_EQUAL(std::string("cart/1"), state.schema());
    CPPUNIT_ASSERT_EQUAL(mode_t(S_IFREG | 0400), status_of(state.path()).st_mode);
    assert_ok(state.give_to(::geteuid()));
    assert_ok(state.give_to(::geteuid()));
    CPPUNIT_ASSERT_EQUAL(std::string("42 carts"), value_of(read_file(state.path(), 100)));
  }

  void another_size_than_the_app_says_is_refused() {
    SavedState state = create();
    write(state.path(), "42 car");
    assert_fails(state.seal("cart/1", 8, {}), Errc::corrupt, "it wrote 8 bytes, the file has 6");
  }

  void a_file_put_in_its_place_is_refused() {
    SavedState state = create();
    fs::remove(state.path());
    write(state.path(), "42 carts");
    assert_fails(state.seal("cart/1", 0, {}), Errc::corrupt, "replaced the file");
    fs::remove(state.path());
    assert_fails(state.seal("cart/1", 0, {}), Errc::not_found);
  }

  void a_change_after_it_was_sealed_is_refused() {
    SavedState longer = sealed(create());
    fs::permissions(longer.path(), fs::perms::owner_write, fs::perm_options::add);
    write(longer.path(), " more");
    assert_fails(longer.give_to(::geteuid()), Errc::corrupt, "changed after");
    SavedState touched = sealed(create());
    fs::last_write_time(touched.path(), fs::file_time_type::clock::now() + std::chrono::hours(1));
    assert_fails(touched.give_to(::geteuid()), Errc::corrupt, "changed after");
  }

  void without_room_in_memory_it_lies_in_the_state_directory() {
    const SavedState state = create(std::uint64_t(1) << 60);
    CPPUNIT_ASSERT_EQUAL(dir_.root().string(), state.path().parent_path().string());
  }

  void another_user_gets_to_own_it() {
    if (::geteuid() != 0) return;  // only root can give a file away
    constexpr uid_t kNobody = 65534;
    SavedState state = value_of(SavedState::create(dir_, kNobody, 0));
    CPPUNIT_ASSERT_EQUAL(kNobody, status_of(state.path()).st_uid);
    state = sealed(std::move(state));
    assert_ok(state.give_to(kNobody - 1));
    CPPUNIT_ASSERT_EQUAL(kNobody - 1, status_of(state.path()).st_uid);
  }

  void what_a_killed_sidecar_left_is_removed_and_nothing_else() {
    const StateDir other = value_of(StateDir::open(directory_ / "other"));
    const SavedState in_memory = create();
    const SavedState on_disk = create(std::uint64_t(1) << 60);
    const SavedState of_another = value_of(SavedState::create(other, ::geteuid(), 0));
    assert_ok(remove_saved_states(dir_));
    CPPUNIT_ASSERT(!fs::exists(in_memory.path()) && !fs::exists(on_disk.path()));
    CPPUNIT_ASSERT(fs::exists(of_another.path()) && fs::exists(dir_.root() / "lock"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SavedStateTest, "saved_state");

}  // namespace midair::sidecar
