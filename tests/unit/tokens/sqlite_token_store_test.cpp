#include "sqlite_token_store.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"
#include "token_store_conformance.h"

namespace midair::host::tokens {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class SqliteTokenStoreTest : public TokenStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(SqliteTokenStoreTest, TokenStoreConformance);
  CPPUNIT_TEST(files_and_directory_are_private_whatever_the_umask);
  CPPUNIT_TEST(wider_permissions_are_refused);
  CPPUNIT_TEST(links_are_refused);
  CPPUNIT_TEST(a_removed_token_leaves_no_trace_on_disk);
  CPPUNIT_TEST(a_damaged_file_is_an_error);
  CPPUNIT_TEST(the_format_of_a_newer_version_is_refused);
  CPPUNIT_TEST(what_was_acknowledged_survives_SIGKILL);
  CPPUNIT_TEST_SUITE_END();

 protected:
  std::shared_ptr<TokenStore> open() override { return std::make_shared<SqliteTokenStore>(directory_); }

 private:
  static StoredToken sample(const std::string& text) { return {Secret(text), "a test", WallTime(), std::nullopt}; }
  static unsigned mode_of(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }

  void put(const std::string& text) { assert_ok(open()->put("app", TokenSlot::manual, sample(text), kLimits)); }

  void files_and_directory_are_private_whatever_the_umask() {
    const mode_t old = ::umask(0);
    const auto store = open();
    const auto stored = store->put("app", TokenSlot::manual, sample("x"), kLimits);
    ::umask(old);
    assert_ok(stored);
    CPPUNIT_ASSERT_EQUAL(0700U, mode_of(directory_));
    for (const char* name : {"tokens.db", "tokens.db-wal", "tokens.db-shm"})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(name, 0600U, mode_of(directory_ / name));
  }

  void wider_permissions_are_refused() {
    const auto holder = open();  // keeps the log of writes in place
    assert_ok(holder->put("app", TokenSlot::manual, sample("x"), kLimits));
    for (const char* name : {".", "tokens.db", "tokens.db-wal"}) {
      const fs::path path = directory_ / name;
      const auto before = fs::status(path).permissions();
      for (const auto bit : {fs::perms::group_read, fs::perms::others_write, fs::perms::group_exec}) {
        fs::permissions(path, bit, fs::perm_options::add);
        assert_fails(open()->get("app", TokenSlot::manual, kLimits), Errc::denied, "chmod");
        fs::permissions(path, before);
      }
    }
    CPPUNIT_ASSERT_EQUAL(std::string("x"), value_of(open()->get("app", TokenSlot::manual, kLimits))->text.reveal());
  }

  void links_are_refused() {
    fs::create_directory(directory_);
    fs::permissions(directory_, fs::perms::owner_all);
    fs::create_symlink(scratch_ / "elsewhere", directory_ / "tokens.db");
    assert_fails(open()->get("app", TokenSlot::manual, kLimits), Errc::denied, "regular");
    CPPUNIT_ASSERT(!fs::exists(scratch_ / "elsewhere"));
  }

  void a_removed_token_leaves_no_trace_on_disk() {
    const auto store = open();
    assert_ok(store->put("app", TokenSlot::manual, sample("canary-removed"), kLimits));
    assert_ok(store->put("app", TokenSlot::acquired, sample("canary-kept"), kLimits));
    assert_ok(store->remove("app", TokenSlot::manual, kLimits));
    std::string all;
    for (const auto& entry : fs::directory_iterator(directory_)) all += value_of(read_file(entry.path(), 1 << 20));
    CPPUNIT_ASSERT(all.find("canary-kept") != std::string::npos);
    CPPUNIT_ASSERT(all.find("canary-removed") == std::string::npos);
  }

  void a_damaged_file_is_an_error() {
    put("x");
    std::ofstream(directory_ / "tokens.db", std::ios::trunc) << std::string(8192, 'y');
    assert_fails(open()->get("app", TokenSlot::manual, kLimits), Errc::corrupt, "tokens.db");
  }

  void the_format_of_a_newer_version_is_refused() {
    put("x");
    {
      std::fstream file(directory_ / "tokens.db", std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(63);  // the lowest byte of user_version, https://www.sqlite.org/fileformat2.html
      file.put(2);
    }
    assert_fails(open()->get("app", TokenSlot::manual, kLimits), Errc::refused, "newer");
  }

  /// Stores 1, 2, 3, ... and writes each to `acknowledged` once it is stored, until it is killed.
  [[noreturn]] void write_for_ever(int acknowledged) {
    const auto store = open();
    for (int number = 1;; ++number) {
      const std::string text = std::to_string(number);
      if (!store->put("app", TokenSlot::manual, sample(text), kLimits).ok()) ::_exit(1);
      if (number % 3 == 0 && !store->remove("other", TokenSlot::acquired, kLimits).ok()) ::_exit(1);
      [[maybe_unused]] const auto written = ::write(acknowledged, &number, sizeof number);
    }
  }

  void what_was_acknowledged_survives_SIGKILL() {
    std::mt19937 random(std::random_device{}());  // another moment each time is the point
    std::uniform_int_distribution<int> microseconds(0, 30'000);
    for (int round = 0; round < 25; ++round) {
      int ends[2];
      CPPUNIT_ASSERT(::pipe(ends) == 0);
      const pid_t pid = ::fork();
      if (pid == 0) write_for_ever(ends[1]);
      ::close(ends[1]);
      int last = 0;
      CPPUNIT_ASSERT(::read(ends[0], &last, sizeof last) == sizeof last);  // it has started
      ::usleep(static_cast<useconds_t>(microseconds(random)));
      ::kill(pid, SIGKILL);
      int status = 0;
      ::waitpid(pid, &status, 0);
      CPPUNIT_ASSERT(WIFSIGNALED(status));
      while (::read(ends[0], &last, sizeof last) == sizeof last) continue;
      ::close(ends[0]);
      const auto kept = value_of(open()->get("app", TokenSlot::manual, kLimits));
      const int number = std::stoi(kept->text.reveal());
      CPPUNIT_ASSERT_MESSAGE(std::to_string(number) + " after " + std::to_string(last),
                             number == last || number == last + 1);
    }
  }

  const CallLimits kLimits{60s};
  const TempDir temp_;
  const fs::path scratch_ = temp_.path();
  const fs::path directory_ = temp_ / "to kens";
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SqliteTokenStoreTest, "sqlite_token_store");

}  // namespace midair::host::tokens
