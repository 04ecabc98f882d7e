#include "state/state_dir.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dead_socket.h"
#include "midair/digest.h"
#include "midair/durable_file.h"
#include "process/notify_socket.h"
#include "result_asserts.h"
#include "state/journal.h"
#include "state/marker.h"
#include "state/tree.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL_MESSAGE(path.string(), 0, ::lstat(path.c_str(), &status));
  return status.st_mode & 07777;
}

/// A process that holds `directory` until it is told to go.
class OtherOwner {
 public:
  explicit OtherOwner(const fs::path& directory) {
    int ready[2] = {-1, -1};
    int go[2] = {-1, -1};
    CPPUNIT_ASSERT(::pipe2(ready, O_CLOEXEC) == 0 && ::pipe2(go, O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(go[1]);
      const auto owned = StateDir::open(directory);
      [[maybe_unused]] ssize_t n = ::write(ready[1], owned ? "y" : "n", 1);
      char byte = 0;
      n = ::read(go[0], &byte, 1);  // ends with the parent's end of the pipe
      ::_exit(0);
    }
    ::close(ready[1]);
    ::close(go[0]);
    go_ = Fd(go[1]);
    const Fd answer(ready[0]);
    char byte = 'n';
    CPPUNIT_ASSERT(::read(answer.get(), &byte, 1) == 1 && byte == 'y');
  }
  ~OtherOwner() {
    go_.reset();
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Fd go_;
};

}  // namespace

class StateDirTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StateDirTest);
  CPPUNIT_TEST(creates_what_is_missing_with_the_right_modes);
  CPPUNIT_TEST(a_second_sidecar_is_refused_and_told_by_whom);
  CPPUNIT_TEST(the_lock_goes_with_its_owner);
  CPPUNIT_TEST(one_that_cannot_be_written_is_opened_for_what_is_there);
  CPPUNIT_TEST(it_is_known_when_it_can_be_written_again);
  CPPUNIT_TEST(files_of_others_stay_where_they_are);
  CPPUNIT_TEST(no_fifo_is_waited_for);
  CPPUNIT_TEST(the_lock_is_not_inherited_by_programs);
  CPPUNIT_TEST(clean_leftovers_removes_what_a_crash_left_and_nothing_else);
  CPPUNIT_TEST(collect_garbage_keeps_what_is_named);
  CPPUNIT_TEST(garbage_half_removed_in_a_crash_does_not_stop_the_next_try);
  CPPUNIT_TEST(current_points_where_it_was_told);
  CPPUNIT_TEST(a_sealed_tree_is_read_only_and_can_be_removed);
  CPPUNIT_TEST(removing_a_tree_does_not_follow_links);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;

  /// A sealed release with one file in one directory.
  static std::string add_release(const StateDir& state, const std::string& content) {
    std::string digest = sha256_hex(content);
    fs::create_directories(state.release(digest) / "bin");
    assert_ok(write_file_durably(state.release(digest) / "bin" / "server", content, 0755));
    assert_ok(seal_tree(state.release(digest)));
    return digest;
  }

  void creates_what_is_missing_with_the_right_modes() {
    fs::create_directories(temp_ / "a/state");
    fs::permissions(temp_ / "a/state", fs::perms::all);
    const StateDir state = value_of(StateDir::open(temp_ / "a/./state"));
    CPPUNIT_ASSERT_EQUAL((temp_ / "a/state").string(), state.root().string());
    CPPUNIT_ASSERT_EQUAL(mode_t{0711}, mode_of(state.root()));  // an app without our privileges reaches its release
    CPPUNIT_ASSERT_EQUAL(mode_t{0711}, mode_of(state.releases()));
    CPPUNIT_ASSERT_EQUAL(mode_t{0700}, mode_of(state.incoming()));
    CPPUNIT_ASSERT_EQUAL(mode_t{0600}, mode_of(state.root() / "lock"));
  }

  void a_second_sidecar_is_refused_and_told_by_whom() {
    const OtherOwner other(temp_ / "state");
    assert_fails(StateDir::open(temp_ / "state"), Errc::refused, "stop process " + std::to_string(other.pid()));
  }

  void the_lock_goes_with_its_owner() {
    { const OtherOwner other(temp_ / "state"); }
    { const StateDir state = value_of(StateDir::open(temp_ / "state")); }
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    CPPUNIT_ASSERT_EQUAL(std::to_string(::getpid()), value_of(read_file(state.root() / "lock", 100)));
  }

  void one_that_cannot_be_written_is_opened_for_what_is_there() {
    assert_ok(write_file_durably(temp_ / "file", "x"));
    for (const fs::path& impossible : {temp_ / "file", temp_ / "file/below", fs::path("/proc/midair")}) {
      const StateDir state = value_of(StateDir::open(impossible));
      const auto writable = state.check_writable();
      CPPUNIT_ASSERT_MESSAGE(impossible.string(), !writable.ok());
      CPPUNIT_ASSERT(writable.error().hint.find("--state-dir") != std::string::npos);
      const NotifySocket socket = value_of(NotifySocket::open(state.notify_socket(1)));
      fs::remove_all(state.notify_socket(1).parent_path());
    }
    CPPUNIT_ASSERT(fs::is_regular_file(temp_ / "file"));
  }

  void it_is_known_when_it_can_be_written_again() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    assert_ok(state.check_writable());
    fs::remove_all(state.releases());
    assert_ok(write_file_durably(state.releases(), "in the way"));
    CPPUNIT_ASSERT(!state.check_writable().ok());
    fs::remove(state.releases());
    assert_ok(state.check_writable());
    CPPUNIT_ASSERT(!fs::exists(state.root() / "probe"));
  }

  void files_of_others_stay_where_they_are() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    assert_ok(write_file_durably(state.root() / "report.tmp-2024", "precious"));
    assert_ok(write_file_durably(state.notify_socket(7), "precious"));
    fs::create_directory(state.app_socket(7));
    leave_dead_socket(state.app_socket(8), SOCK_STREAM);
    const NotifySocket live = value_of(NotifySocket::open(state.notify_socket(8)));
    assert_ok(state.clean_leftovers());
    CPPUNIT_ASSERT(fs::exists(state.root() / "report.tmp-2024"));
    CPPUNIT_ASSERT(fs::exists(state.notify_socket(7)) && fs::exists(state.app_socket(7)));
    CPPUNIT_ASSERT(fs::exists(live.path()));
    CPPUNIT_ASSERT(!fs::exists(state.app_socket(8)));
  }

  void no_fifo_is_waited_for() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo(state.marker().c_str(), 0600));
    assert_fails(read_marker(state.marker()), Errc::bad_input, "it is a fifo, no file");
    fs::create_directory(state.journal());
    assert_fails(read_journal(state.journal()), Errc::bad_input, "it is a directory, no file");
  }

  void the_lock_is_not_inherited_by_programs() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    for (const auto& fd : fs::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (fs::read_symlink(fd.path(), gone) != state.root() / "lock") continue;
      CPPUNIT_ASSERT(::fcntl(std::stoi(fd.path().filename()), F_GETFD) & FD_CLOEXEC);
      return;
    }
    CPPUNIT_FAIL("no descriptor holds the lock");
  }

  void clean_leftovers_removes_what_a_crash_left_and_nothing_else() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    const std::string digest = add_release(state, "v1");
    const std::string part = digest + ".part";
    fs::path half = state.release(digest);
    half += ".tmp-staging";
    fs::create_directories(half / "sealed");
    fs::permissions(half / "sealed", fs::perms::owner_read);
    for (const fs::path& file : {state.root() / "marker.json.tmp-17-0", state.incoming() / "x.etag.tmp-17-1",
                                 state.marker(), state.incoming() / part})
      assert_ok(write_file_durably(file, "x"));
    leave_dead_socket(state.notify_socket(7), SOCK_DGRAM);
    assert_ok(replace_symlink_durably(state.root() / "current.tmp-17-2", "releases/gone"));

    assert_ok(state.clean_leftovers());

    for (const fs::path& gone : {half, state.root() / "marker.json.tmp-17-0", state.incoming() / "x.etag.tmp-17-1",
                                 state.notify_socket(7), state.root() / "current.tmp-17-2"})
      CPPUNIT_ASSERT_MESSAGE(gone.string(), !fs::exists(fs::symlink_status(gone)));
    for (const fs::path& kept : {state.release(digest) / "bin/server", state.marker(), state.incoming() / part})
      CPPUNIT_ASSERT_MESSAGE(kept.string(), fs::exists(kept));
  }

  void collect_garbage_keeps_what_is_named() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    const std::string one = add_release(state, "v1");
    const std::string two = add_release(state, "v2");
    const std::string three = add_release(state, "v3");
    fs::create_directory(state.releases() / "something-else");
    assert_ok(state.collect_garbage({one, three}));
    CPPUNIT_ASSERT(fs::exists(state.release(one) / "bin/server"));
    CPPUNIT_ASSERT(!fs::exists(state.release(two)));
    CPPUNIT_ASSERT(fs::exists(state.release(three) / "bin/server"));
    CPPUNIT_ASSERT(fs::exists(state.releases() / "something-else"));
    CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{3}, std::distance(fs::directory_iterator(state.releases()), {}));
  }

  void garbage_half_removed_in_a_crash_does_not_stop_the_next_try() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    const std::string digest = add_release(state, "v1");
    fs::create_directories(state.releases() / (digest + ".tmp-removed") / "rest");
    assert_ok(state.collect_garbage({}));
    CPPUNIT_ASSERT(fs::is_empty(state.releases()));
  }

  void current_points_where_it_was_told() {
    const StateDir state = value_of(StateDir::open(temp_ / "state"));
    const std::string digest = add_release(state, "v1");
    assert_ok(state.point_current_at(state.release(digest)));
    CPPUNIT_ASSERT_EQUAL("releases/" + digest, fs::read_symlink(state.current()).string());
    CPPUNIT_ASSERT(fs::exists(state.current() / "bin/server"));
    assert_ok(state.point_current_at(temp_.path()));
    CPPUNIT_ASSERT_EQUAL(temp_.path().string(), fs::read_symlink(state.current()).string());
  }

  void a_sealed_tree_is_read_only_and_can_be_removed() {
    fs::create_directories(temp_ / "tree/a/b");
    assert_ok(write_file_durably(temp_ / "tree/a/run", "x", 0755));
    assert_ok(write_file_durably(temp_ / "tree/a/b/data", "x", 0644));
    assert_ok(seal_tree(temp_ / "tree"));
    CPPUNIT_ASSERT_EQUAL(mode_t{0555}, mode_of(temp_ / "tree"));
    CPPUNIT_ASSERT_EQUAL(mode_t{0555}, mode_of(temp_ / "tree/a/b"));
    CPPUNIT_ASSERT_EQUAL(mode_t{0555}, mode_of(temp_ / "tree/a/run"));
    CPPUNIT_ASSERT_EQUAL(mode_t{0444}, mode_of(temp_ / "tree/a/b/data"));
    assert_ok(remove_tree(temp_ / "tree"));
    CPPUNIT_ASSERT(!fs::exists(temp_ / "tree"));
    assert_ok(remove_tree(temp_ / "tree"));
  }

  void removing_a_tree_does_not_follow_links() {
    fs::create_directories(temp_ / "outside");
    assert_ok(write_file_durably(temp_ / "outside/kept", "x", 0400));
    fs::permissions(temp_ / "outside", fs::perms::owner_read | fs::perms::owner_exec);
    fs::create_directories(temp_ / "tree");
    fs::create_directory_symlink(temp_ / "outside", temp_ / "tree/link");
    assert_ok(remove_tree(temp_ / "tree"));
    CPPUNIT_ASSERT(fs::exists(temp_ / "outside/kept"));
    CPPUNIT_ASSERT_EQUAL(mode_t{0500}, mode_of(temp_ / "outside"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StateDirTest, "state_dir");

}  // namespace midair::sidecar
