#include "midair/release_archive.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "midair/digest.h"
#include "midair/durable_file.h"
#include "release_plan.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

namespace fs = std::filesystem;

namespace {

void write_file(const fs::path& path, std::string_view content, mode_t mode = 0644) {
  fs::create_directories(path.parent_path());
  const Fd fd = value_of(open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  assert_ok(write_all(fd.get(), content, path.string()));
  CPPUNIT_ASSERT_EQUAL(0, ::fchmod(fd.get(), mode));
}

std::string content_of(const fs::path& path) { return value_of(read_file(path, 64ULL << 20)); }

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL_MESSAGE(path.string(), 0, ::lstat(path.c_str(), &status));
  return status.st_mode & 07777;
}

/// Bytes that do not compress.
std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

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

}  // namespace

class ReleaseArchiveTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReleaseArchiveTest);
  CPPUNIT_TEST(a_packed_directory_comes_back_whole);
  CPPUNIT_TEST(says_what_it_packed);
  CPPUNIT_TEST(hidden_and_empty_files_are_packed);
  CPPUNIT_TEST(same_files_give_same_bytes);
  CPPUNIT_TEST(other_files_give_other_bytes);
  CPPUNIT_TEST(links_to_files_inside_are_packed_as_files);
  CPPUNIT_TEST(hand_written_manifest_sets_the_strategy);
  CPPUNIT_TEST(unpacked_release_can_be_packed_again);
  CPPUNIT_TEST(refuses_bad_hand_written_manifests);
  CPPUNIT_TEST(refuses_directories_that_hold_no_release);
  CPPUNIT_TEST(refuses_links_that_are_no_files_inside);
  CPPUNIT_TEST(refuses_what_is_no_file);
  CPPUNIT_TEST(refuses_names_that_cannot_be_unpacked_everywhere);
  CPPUNIT_TEST(refuses_bad_app_names_and_versions);
  CPPUNIT_TEST(refuses_what_every_machine_would_take_for_a_bomb);
  CPPUNIT_TEST(notices_what_changes_between_its_two_passes);
  CPPUNIT_TEST(replaces_what_the_tarball_held_before);
  CPPUNIT_TEST(reports_a_tarball_that_cannot_be_written);
  CPPUNIT_TEST(stops_when_asked);
  CPPUNIT_TEST(unpacks_only_into_an_empty_directory);
  CPPUNIT_TEST(unpacks_whatever_the_offset_of_the_descriptor);
  CPPUNIT_TEST(keeps_to_limits);
  CPPUNIT_TEST(a_flip_of_any_byte_is_never_unpacked_as_something_else);
  CPPUNIT_TEST(verify_finds_every_difference);
  CPPUNIT_TEST(verify_tolerates_extra_files);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  const fs::path source_ = temp_ / "source";
  const fs::path target_ = temp_ / "target";

 public:
  void setUp() override {
    fs::create_directory(source_);
    fs::create_directory(target_);
  }

 private:
  void write_good_source() {
    write_file(source_ / "bin/run", "#!/bin/sh\necho v1\n", 0755);
    write_file(source_ / "lib/deep/er/data.bin", noise(300'000), 0600);
    write_file(source_ / "README", "hello");
  }

  Fd tarball() { return value_of(open_file(temp_ / "release.tar.gz", O_RDWR | O_CREAT | O_TRUNC)); }

  Result<PackedRelease> pack(const Fd& fd, const fs::path& directory) {
    return pack_release(directory, "my_app", "1.2.0", fd.get());
  }
  Result<PackedRelease> pack() { return pack(tarball(), source_); }

  /// The tarball of the good source.
  Fd packed() {
    write_good_source();
    Fd fd = tarball();
    value_of(pack(fd, source_));
    return fd;
  }

  Fd tarball_of(std::string_view bytes) {
    Fd fd(::memfd_create("tarball", MFD_CLOEXEC));
    assert_ok(write_all(fd.get(), bytes, "memory"));
    return fd;
  }

  void a_packed_directory_comes_back_whole() {
    const Fd fd = packed();
    const Manifest manifest = value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT((tree_of(target_) == std::vector<std::string>{"README 644", "bin/run 755",
                                                                 "lib/deep/er/data.bin 644", "midair.json 644"}));
    CPPUNIT_ASSERT_EQUAL(noise(300'000), content_of(target_ / "lib/deep/er/data.bin"));
    CPPUNIT_ASSERT_EQUAL(std::string("#!/bin/sh\necho v1\n"), content_of(target_ / "bin/run"));
    CPPUNIT_ASSERT_EQUAL(manifest.to_json(), content_of(target_ / "midair.json"));
    CPPUNIT_ASSERT_EQUAL(manifest.to_json(), value_of(verify_extracted(target_)).to_json());
    for (const char* dir : {"bin", "lib", "lib/deep", "lib/deep/er"})
      CPPUNIT_ASSERT_EQUAL(0755U, mode_of(target_ / dir));
  }

  void says_what_it_packed() {
    write_good_source();
    const Fd fd = tarball();
    const PackedRelease packed = value_of(pack(fd, source_));
    const std::string bytes = content_of(temp_ / "release.tar.gz");
    CPPUNIT_ASSERT_EQUAL(sha256_hex(bytes), packed.sha256);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{bytes.size()}, packed.size);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{300'000 + 18 + 5}, packed.unpacked_size);
    CPPUNIT_ASSERT_EQUAL(std::string("my_app"), packed.manifest.app);
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.0"), packed.manifest.version);
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), packed.manifest.strategy);
    const ManifestFile& run = packed.manifest.files.at(1);
    CPPUNIT_ASSERT_EQUAL(std::string("bin/run"), run.path);
    CPPUNIT_ASSERT_EQUAL(sha256_hex("#!/bin/sh\necho v1\n"), run.sha256);
    CPPUNIT_ASSERT(run.executable && run.size == 18 && !packed.manifest.files.at(0).executable);
  }

  void hidden_and_empty_files_are_packed() {
    write_file(source_ / ".env", "A=1");
    write_file(source_ / ".git/HEAD", "");
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT((tree_of(target_) == std::vector<std::string>{".env 644", ".git/HEAD 644", "midair.json 644"}));
  }

  void same_files_give_same_bytes() {
    const std::map<std::string, std::string> files{
        {"a", "1"}, {"a.b", "2"}, {"a-c/x", "3"}, {"z/y/x", noise(5000)}, {"B", ""}};
    const fs::path other = temp_ / "other";
    for (auto file = files.begin(); file != files.end(); ++file) write_file(source_ / file->first, file->second, 0644);
    const mode_t old = ::umask(0077);
    for (auto file = files.rbegin(); file != files.rend(); ++file) write_file(other / file->first, file->second, 0604);
    ::umask(old);
    for (const auto& [name, content] : files)
      fs::last_write_time(other / name, fs::file_time_type::clock::now() - std::chrono::hours(9999));
    fs::create_directory(other / "empty");

    const std::string first = value_of(pack(tarball(), source_)).sha256;
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), other)).sha256);
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), source_)).sha256);
  }

  void other_files_give_other_bytes() {
    write_file(source_ / "a", "1");
    const std::string first = value_of(pack()).sha256;
    write_file(source_ / "a", "1", 0755);
    const std::string executable = value_of(pack()).sha256;
    write_file(source_ / "a", "2", 0755);
    const std::string changed = value_of(pack()).sha256;
    CPPUNIT_ASSERT(first != executable && executable != changed && first != changed);
  }

  void links_to_files_inside_are_packed_as_files() {
    write_file(source_ / "lib/libx.so.1", "code", 0755);
    fs::create_symlink("libx.so.1", source_ / "lib/libx.so");
    fs::create_symlink("../lib/libx.so", source_ / "lib/link-to-link");
    fs::create_symlink(source_ / "lib/libx.so.1", source_ / "absolute");
    const Fd fd = tarball();
    value_of(pack(fd, source_));
    value_of(extract_release(fd.get(), target_, {}));
    for (const char* name : {"lib/libx.so", "lib/link-to-link", "absolute"}) {
      CPPUNIT_ASSERT(!fs::is_symlink(target_ / name));
      CPPUNIT_ASSERT_EQUAL(0755U, mode_of(target_ / name));
      CPPUNIT_ASSERT_EQUAL(std::string("code"), content_of(target_ / name));
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
    const std::string first = value_of(pack(fd, source_)).sha256;
    value_of(extract_release(fd.get(), target_, {}));
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), target_)).sha256);
  }

  void refuses_bad_hand_written_manifests() {
    write_file(source_ / "a", "1");
    for (const auto& [text, words] :
         std::map<std::string, std::string>{{"", "not valid JSON"},
                                            {"[]", "not a JSON object"},
                                            {R"({"strategy":"teleport"})", "unknown strategy 'teleport'"},
                                            {R"({"strategy":1})", "'strategy' is not a string"},
                                            {R"({"stratgy":"static"})", "unknown field 'stratgy'"},
                                            {R"({"strategy":"static","strategy":"handover"})", "duplicate key"}}) {
      write_file(source_ / "midair.json", text);
      assert_fails(pack(), Errc::bad_input, words);
      assert_fails(pack(), Errc::bad_input, "source/midair.json");
    }
  }

  void refuses_directories_that_hold_no_release() {
    assert_fails(pack(tarball(), temp_ / "none"), Errc::bad_input, "/none'");
    assert_fails(pack(), Errc::bad_input, "no files");
    fs::create_directory(source_ / "empty");
    write_file(source_ / "midair.json", "{}");
    assert_fails(pack(), Errc::bad_input, "no files");
    assert_fails(pack(tarball(), source_ / "midair.json"), Errc::bad_input, "midair.json");
  }

  void refuses_links_that_are_no_files_inside() {
    write_file(temp_ / "source-2/secret", "s");
    write_file(source_ / "dir/a", "1");
    for (const auto& [target, words] : std::map<std::string, std::string>{{"nowhere", "leads nowhere"},
                                                                          {"link", "leads nowhere"},
                                                                          {"dir", "a link to a directory"},
                                                                          {"..", "leads outside"},
                                                                          {"../source-2/secret", "leads outside"},
                                                                          {"/etc/passwd", "leads outside"}}) {
      fs::create_symlink(target, source_ / "link");
      assert_fails(pack(), Errc::bad_input, words);
      assert_fails(pack(), Errc::bad_input, "source/link'");
      fs::remove(source_ / "link");
    }
  }

  void refuses_what_is_no_file() {
    write_file(source_ / "a", "1");
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((source_ / "pipe").c_str(), 0600));
    assert_fails(pack(), Errc::bad_input, "source/pipe': it is a fifo");
    fs::remove(source_ / "pipe");

    const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (source_ / "s").c_str(), sizeof address.sun_path - 1);
    CPPUNIT_ASSERT_EQUAL(0, ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
    assert_fails(pack(), Errc::bad_input, "source/s': it is a socket");
    fs::remove(source_ / "s");

    if (::geteuid() == 0) return;  // root reads everything
    write_file(source_ / "locked", "1", 0);
    assert_fails(pack(), Errc::bad_input, "source/locked'");
    fs::remove(source_ / "locked");
    fs::create_directory(source_ / "closed");
    fs::permissions(source_ / "closed", fs::perms::none);
    assert_fails(pack(), Errc::bad_input, "source/closed'");
  }

  void refuses_names_that_cannot_be_unpacked_everywhere() {
    write_file(source_ / "a", "1");
    for (const auto& [name, words] :
         std::map<std::string, std::string>{{"with space", "character ' '"},
                                            {"new\nline", R"(with\x0aline)"},
                                            {"\xC3\xA9t\xC3\xA9", R"(\xc3)"},
                                            {"A", "only by case"},
                                            {"Midair.json", "only by case"},
                                            {"d/" + std::string(101, 'n'), "too long for a tarball"}}) {
      write_file(source_ / name, "2");
      assert_fails(pack(), Errc::bad_input, name.find('\n') == std::string::npos ? words : R"(new\x0aline)");
      fs::remove(source_ / name);
    }
    write_file(source_ / "LIB/x", "1");
    write_file(source_ / "lib/y", "1");
    assert_fails(pack(), Errc::bad_input, "directory differs");
  }

  void refuses_bad_app_names_and_versions() {
    write_file(source_ / "a", "1");
    const Fd fd = tarball();
    assert_fails(pack_release(source_, "My App", "1", fd.get()), Errc::bad_input, "app name");
    assert_fails(pack_release(source_, "my_app", "current", fd.get()), Errc::bad_input, "version");
  }

  void refuses_what_every_machine_would_take_for_a_bomb() {
    write_file(source_ / "zeros", std::string(24 << 20, '\0'));
    assert_fails(pack(), Errc::bad_input, "1/200");
  }

  void notices_what_changes_between_its_two_passes() {
    const std::map<std::string, std::function<void()>> changes{
        {"source/b'", [&] { write_file(source_ / "b", "3"); }},
        {"source/b' ", [&] { write_file(source_ / "b", "2 and more"); }},
        {"source/b'  ", [&] { write_file(source_ / "b", ""); }},
        {"source/b'   ", [&] { write_file(source_ / "b", "2", 0755); }},
        {"source/b'    ", [&] { fs::remove(source_ / "b"); }},
        {"source/b'     ", [&] { fs::remove(source_ / "b"), fs::create_directory(source_ / "b"); }},
        {"source/b'      ", [&] { fs::remove(source_ / "b"), ::mkfifo((source_ / "b").c_str(), 0600); }},
        {"source'", [&] { write_file(source_ / "c", "new"); }},
    };
    for (const auto& [words, change] : changes) {
      fs::remove_all(source_);
      write_file(source_ / "a", "1");
      write_file(source_ / "b", "2");
      const ReleasePlan plan = value_of(plan_release(source_, "my_app", "1", {}));
      change();
      const Fd fd = tarball();
      const auto written = write_release(plan, fd.get(), {});
      assert_fails(written, Errc::bad_input, "changed while it was packed");
      assert_fails(written, Errc::bad_input, words.substr(0, words.find('\'') + 1));
    }
  }

  void replaces_what_the_tarball_held_before() {
    write_good_source();
    const Fd fd = tarball();
    assert_ok(write_all(fd.get(), noise(1 << 20), "tarball"));
    const PackedRelease packed = value_of(pack(fd, source_));
    CPPUNIT_ASSERT_EQUAL(packed.size, std::uint64_t{fs::file_size(temp_ / "release.tar.gz")});
  }

  void reports_a_tarball_that_cannot_be_written() {
    write_good_source();
    const Fd read_only = value_of(open_file(temp_ / "empty", O_RDONLY | O_CREAT));
    assert_fails(pack(read_only, source_), Errc::io, "the tarball");
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
      const Fd bad = tarball_of(flipped);
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

  void verify_tolerates_extra_files() {
    const Fd fd = packed();
    value_of(extract_release(fd.get(), target_, {}));
    write_file(target_ / "lib/__pycache__/x.pyc", "cache");
    CPPUNIT_ASSERT(verify_extracted(target_).ok());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReleaseArchiveTest, "release_archive");

}  // namespace midair
