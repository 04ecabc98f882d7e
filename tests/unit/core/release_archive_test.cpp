#include "midair/release/release_archive.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <functional>
#include <map>

#include "gzip_files.h"
#include "midair/digest.h"
#include "release_fixture.h"
#include "result_asserts.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

/// "bin/run 755", "lib/data 644", ...
std::vector<std::string> tree_of(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (!entry.is_directory()) {
      char mode[8];
      std::snprintf(mode, sizeof mode, " %o", mode_of(entry.path()));
      names.push_back(entry.path().lexically_relative(root).string() + mode);
    }
  std::sort(names.begin(), names.end());
  return names;
}

std::uint64_t mtime_of(const fs::path& path) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL(0, ::lstat(path.c_str(), &status));
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec);
}

}  // namespace

class ReleaseArchiveTest : public ReleaseFixture {
  CPPUNIT_TEST_SUITE(ReleaseArchiveTest);
  CPPUNIT_TEST(a_packed_directory_comes_back_whole);
  CPPUNIT_TEST(hidden_and_empty_files_are_packed);
  CPPUNIT_TEST(links_stay_links);
  CPPUNIT_TEST(empty_directories_private_modes_and_one_time);
  CPPUNIT_TEST(times_are_kept_where_that_is_asked_for);
  CPPUNIT_TEST(files_with_several_names_are_several_files);
  CPPUNIT_TEST(hand_written_manifest_sets_the_strategy);
  CPPUNIT_TEST(unpacked_release_can_be_packed_again);
  CPPUNIT_TEST(stops_when_asked);
  CPPUNIT_TEST(unpacks_only_into_an_empty_directory);
  CPPUNIT_TEST(unpacks_whatever_the_offset_of_the_descriptor);
  CPPUNIT_TEST(keeps_to_limits);
  CPPUNIT_TEST(a_flip_of_any_byte_is_never_unpacked_as_something_else);
  CPPUNIT_TEST(verify_finds_every_difference);
  CPPUNIT_TEST(verify_tolerates_extra_files_which_are_named);
  CPPUNIT_TEST_SUITE_END();

  void a_packed_directory_comes_back_whole() {
    const Fd fd = packed();
    const Manifest manifest = value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT((tree_of(target_) == std::vector<std::string>{"README 644", "bin/run 755",
                                                                 "lib/deep/er/data.bin 600", "midair.json 644"}));
    CPPUNIT_ASSERT_EQUAL(noise(300'000), content_of(target_ / "lib/deep/er/data.bin"));
    CPPUNIT_ASSERT_EQUAL(std::string("#!/bin/sh\necho v1\n"), content_of(target_ / "bin/run"));
    CPPUNIT_ASSERT_EQUAL(manifest.to_json(), content_of(target_ / "midair.json"));
    CPPUNIT_ASSERT_EQUAL(manifest.to_json(), value_of(verify_extracted(target_)).to_json());
    for (const char* dir : {"bin", "lib", "lib/deep", "lib/deep/er"})
      CPPUNIT_ASSERT_EQUAL(0755U, mode_of(target_ / dir));
  }

  void hidden_and_empty_files_are_packed() {
    write_file(source_ / ".profile", "A=1");
    write_file(source_ / ".cache/HEAD", "");
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT(
        (tree_of(target_) == std::vector<std::string>{".cache/HEAD 644", ".profile 644", "midair.json 644"}));
  }

  void links_stay_links() {
    const std::map<std::string, std::string> links{
        {"lib/libx.so", "libx.so.1"},
        {"lib/link-to-link", "../lib/libx.so"},
        {"lib64", "lib"},
        {"bin/python", "python3"},
        {"bin/python3", "/usr/bin/python3"},
        {"long", std::string(60, '.').replace(1, 59, "/" + std::string(100, 'd')) + "/x"}};
    write_file(source_ / "lib/libx.so.1", "code", 0755);
    write_file(source_ / std::string(100, 'd') / "x", "1");
    fs::create_directory(source_ / "bin");
    for (const auto& [name, target] : links) fs::create_symlink(target, source_ / name);
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    for (const auto& [name, target] : links) CPPUNIT_ASSERT_EQUAL(target, fs::read_symlink(target_ / name).string());
    CPPUNIT_ASSERT(verify_extracted(target_).ok());
    CPPUNIT_ASSERT(value_of(added_files(target_, 10)).empty());
    CPPUNIT_ASSERT_EQUAL(sha256_hex(content_of(temp_ / "release.tar.gz")), value_of(pack(tarball(), target_)).digest);
  }

  void empty_directories_private_modes_and_one_time() {
    write_file(source_ / "a", "1");
    write_file(source_ / "keys/tls.key", "secret", 0600);
    write_file(source_ / "keys/run", "x", 0750);
    fs::create_directories(source_ / "tmp/pids");
    fs::permissions(source_ / "keys", fs::perms(0700));
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT(
        (tree_of(target_) == std::vector<std::string>{"a 644", "keys/run 750", "keys/tls.key 600", "midair.json 644"}));
    CPPUNIT_ASSERT(fs::is_empty(target_ / "tmp/pids"));
    CPPUNIT_ASSERT_EQUAL(0755U, mode_of(target_ / "tmp/pids"));
    CPPUNIT_ASSERT_EQUAL(0700U, mode_of(target_ / "keys"));
    for (const char* name : {"a", "keys/tls.key", "midair.json"})
      CPPUNIT_ASSERT_EQUAL(kReleaseTime, mtime_of(target_ / name));
    const auto directory_is_gone = [&] { fs::remove(target_ / "tmp/pids"); };
    const auto it_is_open = [&] { fs::permissions(target_ / "keys", fs::perms(0755)); };
    CPPUNIT_ASSERT(verify_extracted(target_).ok());
    it_is_open();
    assert_fails(verify_extracted(target_), Errc::corrupt, "keys");
    fs::permissions(target_ / "keys", fs::perms(0500));
    CPPUNIT_ASSERT(verify_extracted(target_).ok());
    directory_is_gone();
    assert_fails(verify_extracted(target_), Errc::corrupt, "tmp/pids");
  }

  void times_are_kept_where_that_is_asked_for() {
    write_file(source_ / "a", "1");
    fs::last_write_time(source_ / "a", std::chrono::file_clock::from_sys(
                                           std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000))));
    const Fd fd = tarball();
    const PackOptions options{.keep_mtimes = true};
    value_of(pack_release(source_, "my_app", "1", fd.get(), {}, options));
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1'700'000'000}, mtime_of(target_ / "a"));
  }

  void files_with_several_names_are_several_files() {
    write_file(source_ / "a", "1");
    fs::create_hard_link(source_ / "a", source_ / "b");
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    for (const char* name : {"a", "b"}) {
      CPPUNIT_ASSERT_EQUAL(std::string("1"), content_of(target_ / name));
      CPPUNIT_ASSERT_EQUAL(std::uintmax_t{1}, fs::hard_link_count(target_ / name));
    }
  }

  void hand_written_manifest_sets_the_strategy() {
    write_file(source_ / "index.html", "<p>hi</p>");
    write_file(source_ / "midair.json", R"({"strategy": "static"})");
    const Fd fd = tarball();
    CPPUNIT_ASSERT_EQUAL(std::string("static"), value_of(pack(fd, source_)).manifest.strategy);
    const Manifest manifest = value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT_EQUAL(std::string("static"), manifest.strategy);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, manifest.files.size());
  }

  void unpacked_release_can_be_packed_again() {
    write_good_source();
    const Fd fd = tarball();
    const std::string first = value_of(pack(fd, source_)).digest;
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), target_)).digest);
  }

  void stops_when_asked() {
    std::stop_source stop;
    const Fd fd = packed();
    stop.request_stop();
    assert_fails(extract_release(fd.get(), target_, {}, stop.get_token()), Errc::cancelled);
    assert_fails(pack_release(source_, "my_app", "1", fd.get(), stop.get_token()), Errc::cancelled);
  }

  void unpacks_only_into_an_empty_directory() {
    const Fd fd = packed();
    assert_fails(extract_release(fd.get(), temp_ / "none", {}), Errc::bad_input, "/none");
    write_file(target_ / "x", "1");
    assert_fails(extract_release(fd.get(), target_, {}), Errc::bad_input, "not empty");
  }

  void unpacks_whatever_the_offset_of_the_descriptor() {
    const Fd fd = packed();
    ::lseek(fd.get(), 77, SEEK_SET);
    CPPUNIT_ASSERT(extract_release(fd.get(), target_, {}).ok());
    CPPUNIT_ASSERT_EQUAL(off_t{77}, ::lseek(fd.get(), 0, SEEK_CUR));
  }

  void keeps_to_limits() {
    const Fd fd = packed();
    assert_fails(extract_release(fd.get(), target_, {.max_unpacked_bytes = 300'022}), Errc::refused,
                 "more than 300022");
    assert_fails(extract_release(fd.get(), target_, {.max_entries = 2}), Errc::refused, "more than 2");
    CPPUNIT_ASSERT(fs::is_empty(target_));
    CPPUNIT_ASSERT(extract_release(fd.get(), target_, {.max_unpacked_bytes = 300'023, .max_entries = 3}).ok());
  }

  void a_flip_of_any_byte_is_never_unpacked_as_something_else() {
    write_file(source_ / "bin/run", "#!/bin/sh\n", 0755);
    write_file(source_ / "data", noise(600));
    const Fd fd = tarball();
    const std::string good = value_of(pack(fd, source_)).manifest.to_json();
    const std::string bytes = content_of(temp_ / "release.tar.gz");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
      fs::remove_all(target_);
      fs::create_directory(target_);
      const Fd bad = memory_file(flipped);
      const auto extracted = extract_release(bad.get(), target_, {});
      // Some bits mean nothing: the time in gzip's header, which one of many zeros deflate copies.
      CPPUNIT_ASSERT_MESSAGE(
          std::to_string(i),
          !extracted.ok() || (extracted->to_json() == good && value_of(verify_extracted(target_)).to_json() == good));
    }
  }

  void verify_finds_every_difference() {
    const std::map<std::string, std::function<void(const fs::path&)>> changes{
        {"SHA-256", [](const fs::path& file) { write_file(file, "#!/bin/sh\necho v2\n", 0755); }},
        {"longer", [](const fs::path& file) { write_file(file, "#!/bin/sh\necho v1\n\n", 0755); }},
        {"shorter", [](const fs::path& file) { write_file(file, "", 0755); }},
        {"mode", [](const fs::path& file) { fs::permissions(file, fs::perms::others_exec, fs::perm_options::remove); }},
        {"mode was", [](const fs::path& file) { fs::permissions(file, fs::perms::set_uid, fs::perm_options::add); }},
        {"No such file", [](const fs::path& file) { fs::remove(file); }},
        {"not a regular file", [](const fs::path& file) { fs::remove(file), fs::create_directory(file); }},
        {"symbolic links",
         [](const fs::path& file) { fs::rename(file, file.string() + "2"), fs::create_symlink("run2", file); }},
        {"Not a directory",
         [](const fs::path& file) {
           fs::rename(file.parent_path(), file.parent_path().string() + "2");
           fs::create_symlink("bin2", file.parent_path());
         }},
    };
    const Fd fd = packed();
    for (const auto& [words, change] : changes) {
      fs::remove_all(target_);
      fs::create_directory(target_);
      value_of(extract_release(fd.get(), target_, {}));
      CPPUNIT_ASSERT(verify_extracted(target_).ok());
      change(target_ / "bin/run");
      assert_fails(verify_extracted(target_), Errc::corrupt, words);
      assert_fails(verify_extracted(target_), Errc::corrupt, "bin/run");
    }
    write_file(target_ / "midair.json", "{}");
    assert_fails(verify_extracted(target_), Errc::corrupt, "midair.json");
    fs::remove(target_ / "midair.json");
    assert_fails(verify_extracted(target_), Errc::corrupt, "midair.json");
  }

  void verify_tolerates_extra_files_which_are_named() {
    const Fd fd = packed();
    value_of(extract_release(fd.get(), target_, {}));
    write_file(target_ / "lib/__pycache__/x.pyc", "cache");
    fs::create_symlink("/etc/passwd", target_ / "link");
    fs::create_directory(target_ / "empty");
    CPPUNIT_ASSERT(verify_extracted(target_).ok());
    CPPUNIT_ASSERT((value_of(added_files(target_, 10)) == std::vector<std::string>{"lib/__pycache__/x.pyc", "link"}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(added_files(target_, 1)).size());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReleaseArchiveTest, "release_archive");

}  // namespace midair
