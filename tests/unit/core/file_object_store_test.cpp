#include "midair/store/file_object_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "midair/fd.h"
#include "object_store_conformance.h"

namespace midair {
namespace fs = std::filesystem;

namespace {

const CallLimits kLimits{std::chrono::seconds(30)};

/// Gives a little, then waits for ever: a writer that dies in the middle of its body.
class EndlessSource final : public ByteSource {
 public:
  explicit EndlessSource(int started) : started_(started) {}
  [[nodiscard]] std::uint64_t size() const override { return 1 << 30; }
  Result<std::size_t> read(char* buffer, std::size_t /*capacity*/) override {
    if (reads_++ > 0) {
      [[maybe_unused]] const ssize_t written = ::write(started_, "x", 1);
      for (;;) ::pause();
    }
    *buffer = 'x';
    return std::size_t{1};
  }
  Result<void> seek(std::uint64_t /*offset*/) override { return {}; }

 private:
  const int started_;
  int reads_ = 0;
};

pid_t run_in_child(const std::function<void()>& work) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(0);
  }
  return pid;
}

}  // namespace

class FileObjectStoreTest : public ObjectStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(FileObjectStoreTest, ObjectStoreConformance);
  CPPUNIT_TEST(keeps_private_files_and_directories);
  CPPUNIT_TEST(keeps_its_own_files_out_of_sight);
  CPPUNIT_TEST(never_follows_links_or_opens_devices);
  CPPUNIT_TEST(a_key_below_another_is_bad_input);
  CPPUNIT_TEST(removes_directories_that_become_empty);
  CPPUNIT_TEST(tells_a_missing_store_from_a_missing_object);
  CPPUNIT_TEST(several_processes_count_together);
  CPPUNIT_TEST(a_killed_writer_leaves_nothing_and_blocks_nobody);
  CPPUNIT_TEST(a_writer_that_sleeps_on_the_lock_is_a_timeout);
  CPPUNIT_TEST(a_writer_that_was_stopped_under_the_lock_is_named);
  CPPUNIT_TEST(sees_that_somebody_else_changed_a_file);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override {
    std::string pattern = (fs::temp_directory_path() / "midair-store-XXXXXX").string();
    CPPUNIT_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    scratch_ = pattern;
    root_ = scratch_ / "st ore";
  }
  void tearDown() override { fs::remove_all(scratch_); }

 protected:
  std::shared_ptr<ObjectStore> open() override { return FileObjectStore::open(root_).value(); }

 private:
  void put(const std::string& key, const std::string& text) {
    CPPUNIT_ASSERT(put_text(*open(), key, text, PutCondition::none(), kLimits).ok());
  }

  void keeps_private_files_and_directories() {
    put("a/b/c", "x");
    const auto mode = [&](const char* path) { return static_cast<unsigned>(fs::status(root_ / path).permissions()); };
    CPPUNIT_ASSERT_EQUAL(0700U, mode(""));
    CPPUNIT_ASSERT_EQUAL(0700U, mode("a"));
    CPPUNIT_ASSERT_EQUAL(0700U, mode("a/b"));
    CPPUNIT_ASSERT_EQUAL(0600U, mode("a/b/c"));
    CPPUNIT_ASSERT_EQUAL(0700U, mode(".midair"));
  }

  void keeps_its_own_files_out_of_sight() {
    put("key", "x");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, open()->list("", kLimits)->size());
    CPPUNIT_ASSERT(open()->list(".midair/", kLimits)->empty());
    CPPUNIT_ASSERT(get_text(*open(), ".midair/lock", 100, kLimits).error().code == Errc::bad_input);
    CPPUNIT_ASSERT(open()->remove(".midair/lock", kLimits).error().code == Errc::bad_input);
  }

  void never_follows_links_or_opens_devices() {
    put("key", "x");
    std::ofstream(scratch_ / "outside") << "secret";
    fs::create_symlink(scratch_ / "outside", root_ / "link");
    fs::create_directory_symlink(scratch_, root_ / "dir");
    CPPUNIT_ASSERT(::mkfifo((root_ / "fifo").c_str(), 0600) == 0);
    for (const char* key : {"link", "dir/outside", "fifo"})
      CPPUNIT_ASSERT_MESSAGE(key, get_text(*open(), key, 100, kLimits).error().code == Errc::not_found);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, open()->list("", kLimits)->size());
    CPPUNIT_ASSERT(put_text(*open(), "dir/new", "x", PutCondition::none(), kLimits).error().code == Errc::bad_input);
    CPPUNIT_ASSERT(!fs::exists(scratch_ / "new"));
    put("link", "y");
    CPPUNIT_ASSERT_EQUAL(std::uintmax_t{6}, fs::file_size(scratch_ / "outside"));
  }

  void a_key_below_another_is_bad_input() {
    put("a", "x");
    put("d/e", "x");
    for (const char* key : {"a/b", "d"})
      CPPUNIT_ASSERT(put_text(*open(), key, "x", PutCondition::none(), kLimits).error().code == Errc::bad_input);
    const auto stored = put_text(*open(), std::string(300, 'x'), "x", PutCondition::none(), kLimits);
    CPPUNIT_ASSERT(stored.error().code == Errc::bad_input);
  }

  void removes_directories_that_become_empty() {
    put("a/b/c", "x");
    put("a/d", "x");
    CPPUNIT_ASSERT(open()->remove("a/b/c", kLimits).ok());
    CPPUNIT_ASSERT(!fs::exists(root_ / "a/b"));
    CPPUNIT_ASSERT(fs::exists(root_ / "a/d"));
  }

  void tells_a_missing_store_from_a_missing_object() {
    const auto store = open();
    put("key", "x");
    fs::rename(root_, scratch_ / "elsewhere");
    CPPUNIT_ASSERT(get_text(*store, "key", 100, kLimits).error().code == Errc::unavailable);
    CPPUNIT_ASSERT(store->list("", kLimits).error().code == Errc::unavailable);
    CPPUNIT_ASSERT(put_text(*store, "key", "y", PutCondition::none(), kLimits).error().code == Errc::unavailable);
    fs::rename(scratch_ / "elsewhere", root_);
    CPPUNIT_ASSERT_EQUAL(std::string("x"), get_text(*store, "key", 100, kLimits)->text);
  }

  void several_processes_count_together() {
    put("counter", "0");
    pid_t children[4];
    for (pid_t& child : children) child = run_in_child([this] { increment_ten_times(); });
    for (const pid_t child : children) CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, nullptr, 0));
    CPPUNIT_ASSERT_EQUAL(std::string("40"), get_text(*open(), "counter", 100, kLimits)->text);
  }

  void increment_ten_times() {
    const auto store = open();
    for (int done = 0; done < 10;) {
      const auto read = get_text(*store, "counter", 100, kLimits);
      const std::string next = std::to_string(std::stoi(read->text) + 1);
      if (put_text(*store, "counter", next, PutCondition::if_match(read->etag), kLimits)) ++done;
    }
  }

  void a_killed_writer_leaves_nothing_and_blocks_nobody() {
    put("key", "old");
    int started[2];
    CPPUNIT_ASSERT(::pipe2(started, O_CLOEXEC) == 0);
    const pid_t child = run_in_child([&] {
      EndlessSource source(started[1]);
      [[maybe_unused]] const auto stored = open()->put("key", source, PutCondition::none(), kLimits);
    });
    char byte = 0;
    CPPUNIT_ASSERT_EQUAL(ssize_t{1}, ::read(started[0], &byte, 1));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, files_in_hidden());  // the lock and the child's file, also while others write
    put("other", "x");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, files_in_hidden());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(started[0]);
    ::close(started[1]);
    CPPUNIT_ASSERT_EQUAL(std::string("old"), get_text(*open(), "key", 100, kLimits)->text);
    put("other", "y");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, files_in_hidden());
  }

  std::size_t files_in_hidden() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(root_ / ".midair")) ++count;
    return count;
  }

  void a_writer_that_sleeps_on_the_lock_is_a_timeout() {
    put("key", "x");
    const Fd lock(::open((root_ / ".midair/lock").c_str(), O_RDWR | O_CLOEXEC));
    CPPUNIT_ASSERT(::flock(lock.get(), LOCK_EX) == 0);
    const CallLimits brief{std::chrono::milliseconds(50)};
    CPPUNIT_ASSERT(put_text(*open(), "key", "y", PutCondition::none(), brief).error().code == Errc::timeout);
    CPPUNIT_ASSERT_EQUAL(std::string("x"), get_text(*open(), "key", 100, brief)->text);
  }

  void a_writer_that_was_stopped_under_the_lock_is_named() {
    put("key", "x");
    const pid_t child = run_in_child([&] {
      const Fd lock(::open((root_ / ".midair/lock").c_str(), O_RDWR | O_CLOEXEC));
      if (::flock(lock.get(), LOCK_EX) == 0) ::raise(SIGSTOP);
    });
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, WUNTRACED));
    CPPUNIT_ASSERT(WIFSTOPPED(status));
    const auto stored = put_text(*open(), "key", "y", PutCondition::none(), {std::chrono::milliseconds(50)});
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CPPUNIT_ASSERT(stored.error().code == Errc::timeout);
    const auto text = stored.error().to_string();
    CPPUNIT_ASSERT_MESSAGE(text, text.find("process " + std::to_string(child) + " (test-core, stopped)") != text.npos);
    CPPUNIT_ASSERT_MESSAGE(text, text.find("kill -CONT") != text.npos);
  }

  void sees_that_somebody_else_changed_a_file() {
    put("key", "good");
    const Etag before = open()->head("key", kLimits)->etag;
    std::ofstream(root_ / "key") << "evil";
    CPPUNIT_ASSERT(before != open()->head("key", kLimits)->etag);
  }

  fs::path scratch_;
  fs::path root_;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FileObjectStoreTest, "file_object_store");

}  // namespace midair
