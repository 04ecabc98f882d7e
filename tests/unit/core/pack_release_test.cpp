#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <functional>
#include <map>

#include "midair/digest.h"
#include "release/release_plan.h"
#include "release_fixture.h"

namespace midair {

namespace fs = std::filesystem;

class PackReleaseTest : public ReleaseFixture {
  CPPUNIT_TEST_SUITE(PackReleaseTest);
  CPPUNIT_TEST(says_what_it_packed);
  CPPUNIT_TEST(same_files_give_same_bytes);
  CPPUNIT_TEST(other_files_give_other_bytes);
  CPPUNIT_TEST(refuses_bad_hand_written_manifests);
  CPPUNIT_TEST(refuses_directories_that_hold_no_release);
  CPPUNIT_TEST(refuses_links_that_are_no_files_inside);
  CPPUNIT_TEST(refuses_what_is_no_file);
  CPPUNIT_TEST(refuses_names_that_cannot_be_unpacked_everywhere);
  CPPUNIT_TEST(refuses_bad_app_names_and_versions);
  CPPUNIT_TEST(refuses_what_every_machine_would_take_for_a_bomb);
  CPPUNIT_TEST(notices_what_changes_between_its_two_passes);
  CPPUNIT_TEST(replaces_what_the_tarball_held_before);
  CPPUNIT_TEST(leaves_out_what_nobody_means_to_publish);
  CPPUNIT_TEST(leaves_out_what_ignore_files_say);
  CPPUNIT_TEST(leaves_out_what_options_say);
  CPPUNIT_TEST(never_leaves_out_what_says_how_to_pack);
  CPPUNIT_TEST(refuses_ignore_files_that_do_not_parse);
  CPPUNIT_TEST(reports_a_tarball_that_cannot_be_written);
  CPPUNIT_TEST_SUITE_END();

  void says_what_it_packed() {
    write_good_source();
    const Fd fd = tarball();
    const PackedRelease packed = value_of(pack(fd, source_));
    const std::string bytes = content_of(temp_ / "release.tar.gz");
    CPPUNIT_ASSERT_EQUAL(sha256_hex(bytes), packed.digest);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{bytes.size()}, packed.size);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{300'000 + 18 + 5}, packed.unpacked_size);
    CPPUNIT_ASSERT_EQUAL(std::string("my_app"), packed.manifest.app);
    CPPUNIT_ASSERT_EQUAL(std::string("1.2.0"), packed.manifest.version);
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), packed.manifest.strategy);
    const ManifestFile& run = packed.manifest.files.at(1);
    CPPUNIT_ASSERT_EQUAL(std::string("bin/run"), run.path);
    CPPUNIT_ASSERT_EQUAL(sha256_hex("#!/bin/sh\necho v1\n"), run.digest);
    CPPUNIT_ASSERT(run.executable && run.size == 18 && !packed.manifest.files.at(0).executable);
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

    const std::string first = value_of(pack(tarball(), source_)).digest;
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), other)).digest);
    CPPUNIT_ASSERT_EQUAL(first, value_of(pack(tarball(), source_)).digest);
  }

  void other_files_give_other_bytes() {
    write_file(source_ / "a", "1");
    const std::string first = value_of(pack()).digest;
    write_file(source_ / "a", "1", 0755);
    const std::string executable = value_of(pack()).digest;
    write_file(source_ / "a", "2", 0755);
    const std::string changed = value_of(pack()).digest;
    CPPUNIT_ASSERT(first != executable && executable != changed && first != changed);
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

  /// Of what is packed with `options`; then of what is left out, each with its reason.
  std::string packed_and_left_out(const PackOptions& options = {}) {
    const Fd fd = tarball();
    const PackedRelease packed = value_of(pack_release(source_, "my_app", "1", fd.get(), {}, options));
    std::string text;
    for (const ManifestFile& file : packed.manifest.files) text += file.path + " ";
    for (const LeftOut& entry : packed.left_out) text += "-" + entry.name + ":" + to_string(entry.by) + " ";
    return text;
  }

  void leaves_out_what_nobody_means_to_publish() {
    for (const char* name : {"a", ".git/HEAD", "sub/.git", ".env", ".env.production", "midair.yaml", ".environment"})
      write_file(source_ / name, "1");
    CPPUNIT_ASSERT_EQUAL(std::string("a -.env:default -.env.production:default -.environment:default -.git/:default "
                                     "-midair.yaml:default -sub/.git:default "),
                         packed_and_left_out());
    write_file(source_ / ".midairignore", "!.env.production\n!/.environment\n");
    CPPUNIT_ASSERT_EQUAL(std::string(".env.production .environment a -.env:default -.git/:default "
                                     "-.midairignore:default -midair.yaml:default -sub/.git:default "),
                         packed_and_left_out());
  }

  void leaves_out_what_ignore_files_say() {
    for (const char* name : {"a.log", "b", "sub/a.log", "sub/keep.log", "sub/c", "out/x", "sub/out/x"})
      write_file(source_ / name, "1");
    write_file(source_ / ".midairignore", "*.log\n/out/\n");
    write_file(source_ / "sub/.midairignore", "!keep.log\n/c\n");
    CPPUNIT_ASSERT_EQUAL(std::string("b sub/keep.log sub/out/x -.midairignore:default -a.log:ignore_file "
                                     "-out/:ignore_file -sub/.midairignore:default -sub/a.log:ignore_file "
                                     "-sub/c:ignore_file "),
                         packed_and_left_out());
  }

  void leaves_out_what_options_say() {
    for (const char* name : {"a", "b", "c", ".env"}) write_file(source_ / name, "1");
    write_file(source_ / ".midairignore", "c\n!b\n");
    CPPUNIT_ASSERT_EQUAL(std::string(".env c -.midairignore:default -a:option -b:option "),
                         packed_and_left_out({.exclude = {"[ab]", ".env"}, .include = {".env", "c"}}));
    const Fd fd = tarball();
    const auto refused = pack_release(source_, "my_app", "1", fd.get(), {}, {.exclude = {"a", "b["}});
    assert_fails(refused, Errc::bad_input, "--exclude 'b['");
    assert_fails(pack_release(source_, "my_app", "1", fd.get(), {}, {.include = {""}}), Errc::bad_input, "no pattern");
  }

  void never_leaves_out_what_says_how_to_pack() {
    write_file(source_ / "a", "1");
    write_file(source_ / "midair.json", R"({"strategy":"static"})");
    write_file(source_ / ".midairignore", "*.json\n");
    CPPUNIT_ASSERT_EQUAL(std::string("static"), value_of(pack()).manifest.strategy);
  }

  void refuses_ignore_files_that_do_not_parse() {
    write_file(source_ / "sub/a", "1");
    write_file(source_ / "sub/.midairignore", "ok\n\n[\n");
    assert_fails(pack(), Errc::bad_input, "source/sub/.midairignore', line 3: its '[' has no ']'");
    fs::remove(source_ / "sub/.midairignore");
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((source_ / "sub/.midairignore").c_str(), 0600));
    assert_fails(pack(), Errc::bad_input, "source/sub/.midairignore'");
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
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PackReleaseTest, "pack_release");

}  // namespace midair
