#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <functional>
#include <map>
#include <set>

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
  CPPUNIT_TEST(refuses_links_that_lead_nowhere_or_out);
  CPPUNIT_TEST(refuses_what_is_no_file);
  CPPUNIT_TEST(refuses_names_that_cannot_be_unpacked_everywhere);
  CPPUNIT_TEST(refuses_bad_app_names_and_versions);
  CPPUNIT_TEST(a_tree_of_zeros_is_no_bomb);
  CPPUNIT_TEST(says_what_it_requires);
  CPPUNIT_TEST(counts_compiled_python_that_no_machine_will_use);
  CPPUNIT_TEST(notices_what_changes_between_its_two_passes);
  CPPUNIT_TEST(replaces_what_the_tarball_held_before);
  CPPUNIT_TEST(leaves_out_what_nobody_means_to_publish);
  CPPUNIT_TEST(leaves_out_what_ignore_files_say);
  CPPUNIT_TEST(leaves_out_what_options_say);
  CPPUNIT_TEST(never_leaves_out_what_says_how_to_pack);
  CPPUNIT_TEST(refuses_ignore_files_that_do_not_parse);
  CPPUNIT_TEST(names_all_that_is_wrong_at_once);
  CPPUNIT_TEST(warns_of_scripts_that_name_the_build_directory);
  CPPUNIT_TEST(lists_what_it_would_pack);
  CPPUNIT_TEST(takes_writable_places_from_the_manifest);
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
        {"a", "1"}, {"a.b", "2"}, {"a-c/x", "3"}, {"z/y/x", noise(5000)}, {"B", ""}, {"[b] \u00e9", ""}};
    const fs::path other = temp_ / "other";
    for (auto file = files.begin(); file != files.end(); ++file) write_file(source_ / file->first, file->second, 0644);
    const mode_t old = ::umask(0002);
    for (auto file = files.rbegin(); file != files.rend(); ++file) write_file(other / file->first, file->second, 0664);
    ::umask(old);
    for (const fs::path& directory : {source_, other}) {
      fs::create_directory(directory / "empty");
      fs::create_symlink("a", directory / "link");
    }
    for (const auto& [name, content] : files)
      fs::last_write_time(other / name, fs::file_time_type::clock::now() - std::chrono::hours(9999));

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
    fs::create_directory(source_ / "empty");
    const std::string with_directory = value_of(pack()).digest;
    fs::create_symlink("a", source_ / "link");
    const std::string with_link = value_of(pack()).digest;
    CPPUNIT_ASSERT((std::set{first, executable, changed, with_directory, with_link}.size() == 5));
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

  void refuses_links_that_lead_nowhere_or_out() {
    write_file(temp_ / "source-2/secret", "s");
    write_file(source_ / "dir/a", "1");
    for (const auto& [target, words] :
         std::map<std::string, std::string>{{"nowhere", "which the release does not have"},
                                            {"link", "in a loop"},
                                            {"dir/a/", "through a file"},
                                            {"..", "out of the release"},
                                            {"../source-2/secret", "out of the release"},
                                            {source_ / "dir", "absolute link into"}}) {
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

  void names_all_that_is_wrong_at_once() {
    write_file(source_ / "good", "1");
    write_file(source_ / "bad\nname", "1");
    write_file(source_ / "midair.json", R"({"stratgy":""})");
    write_file(source_ / "sub/.midairignore", "[\n!\n");
    fs::create_symlink("..", source_ / "link");
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((source_ / "pipe").c_str(), 0600));
    const auto refused = pack();
    CPPUNIT_ASSERT(!refused.ok());
    std::vector<Error> all = refused.error().others;
    all.insert(all.begin(), refused.error());
    std::string subjects;
    for (const Error& error : all) {
      CPPUNIT_ASSERT_EQUAL_MESSAGE(error.message(), Errc::bad_input, error.code);
      CPPUNIT_ASSERT_MESSAGE(error.message(), !error.hint.empty() || error.subject.ends_with("midair.json'"));
      subjects += error.subject.substr(error.subject.rfind("source/") + 7) + " ";
    }
    CPPUNIT_ASSERT_EQUAL(std::string("bad\\x0aname' link' midair.json' pipe' sub/.midairignore', line 1 "
                                     "sub/.midairignore', line 2 "),
                         subjects);
  }

  void warns_of_scripts_that_name_the_build_directory() {
    const std::string here = fs::canonical(source_).string();
    write_file(source_ / "bin/a", "#!" + here + "/venv/bin/python\nx", 0755);
    write_file(source_ / "bin/b", "#!/bin/sh\n'''exec' \"" + here + "/venv/bin/python\" \"$0\" \"$@\"\n", 0755);
    write_file(source_ / "bin/c", "#!/usr/bin/env python3\n# \nroot = '" + here + "/x'\n", 0755);
    write_file(source_ / "bin/d", "#!/other" + here + "/python\n", 0755);
    write_file(source_ / "bin/e", "#!" + here + "-2/python\n", 0755);
    write_file(source_ / "text", here + "/x");
    const auto notices = value_of(pack()).notices;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, notices.size());
    CPPUNIT_ASSERT_MESSAGE(notices[0], notices[0].starts_with("'bin/a', 'bin/b' ask for a program in '" + here + "/'"));
    CPPUNIT_ASSERT_MESSAGE(notices[0], notices[0].find("uv venv --relocatable") != std::string::npos);
  }

  void lists_what_it_would_pack() {
    write_good_source();
    write_file(source_ / ".env", "1");
    const auto listing = value_of(list_release(source_, {}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, listing.manifest.files.size());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{300'000 + 18 + 5}, listing.unpacked_size);
    CPPUNIT_ASSERT((listing.left_out == std::vector<LeftOut>{{".env", LeftOutBy::by_default}}));
    CPPUNIT_ASSERT_EQUAL(value_of(pack()).manifest.files[2].digest, listing.manifest.files[2].digest);
  }

  void takes_writable_places_from_the_manifest() {
    write_file(source_ / "a", "1");
    write_file(source_ / "midair.json", R"({"writable":["log/","tmp"],"writable_fresh":["tmp/pids"]})");
    const Manifest manifest = value_of(pack()).manifest;
    CPPUNIT_ASSERT((manifest.writable.kept == std::vector<std::string>{"log", "tmp"}));
    CPPUNIT_ASSERT((manifest.writable.fresh == std::vector<std::string>{"tmp/pids"}));
    CPPUNIT_ASSERT((manifest.required_features == std::vector<std::string>{"writable"}));
    write_file(source_ / "midair.json", R"({"writable":["../log"]})");
    assert_fails(pack(), Errc::bad_input, "cannot make a writable place of '../log': it has a '..' component");
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
    for (const auto& [name, words] : std::map<std::string, std::string>{{"new\nline", R"(with\x0aline)"},
                                                                        {"\xE9t\xE9", R"('\xe9', which is not UTF-8)"},
                                                                        {"d\x7F", R"(control character '\x7f')"}}) {
      write_file(source_ / name, "2");
      assert_fails(pack(), Errc::bad_input, name.find('\n') == std::string::npos ? words : R"(new\x0aline)");
      fs::remove(source_ / name);
    }
  }

  void refuses_bad_app_names_and_versions() {
    write_file(source_ / "a", "1");
    const Fd fd = tarball();
    assert_fails(pack_release(source_, "My App", "1", fd.get()), Errc::bad_input, "app name");
    assert_fails(pack_release(source_, "my_app", "current", fd.get()), Errc::bad_input, "version");
  }

  void a_tree_of_zeros_is_no_bomb() {
    write_file(source_ / "zeros", std::string(24 << 20, '\0'));
    const Fd fd = tarball();
    CPPUNIT_ASSERT(value_of(pack(fd, source_)).size * 700 < std::uint64_t{24 << 20});
    CPPUNIT_ASSERT(extract_release(fd.get(), target_, {}).ok());
  }

  void says_what_it_requires() {
    using Features = std::vector<std::string>;
    write_file(source_ / "a", "1");
    CPPUNIT_ASSERT((value_of(pack()).manifest.required_features == Features{}));
    for (const auto& [feature, make] : std::map<std::string, std::function<void()>>{
             {"directories", [&] { fs::create_directory(source_ / "x"); }},
             {"links", [&] { fs::create_symlink("a", source_ / "x"); }},
             {"long-names", [&] { write_file(source_ / "x" / std::string(255, 'n'), "1"); }},
             {"modes", [&] { write_file(source_ / "x", "1", 0640); }},
             {"names", [&] { write_file(source_ / "x/[slug].js", "1"); }}}) {
      make();
      CPPUNIT_ASSERT_MESSAGE(feature, (value_of(pack()).manifest.required_features == Features{feature}));
      fs::remove_all(source_ / "x");
    }
    const Fd fd = tarball();
    const PackOptions options{.keep_mtimes = true};
    const auto packed = value_of(pack_release(source_, "my_app", "1", fd.get(), {}, options));
    CPPUNIT_ASSERT((packed.manifest.required_features == Features{"mtimes"}));
  }

  void counts_compiled_python_that_no_machine_will_use() {
    const auto pyc = [](std::uint32_t flags, std::uint32_t time) {
      std::string header("\xA7\x0D\x0D\x0A", 4);
      for (const std::uint32_t word : {flags, time, 5U})
        for (int shift = 0; shift < 32; shift += 8) header += static_cast<char>(word >> shift & 0xFF);
      return header + "code";
    };
    write_file(source_ / "lib/a.py", "x = 1");
    write_file(source_ / "lib/b.py", "x = 2");
    const auto in_a_second =
        std::chrono::file_clock::from_sys(std::chrono::sys_seconds(std::chrono::seconds(1'700'000'000)));
    for (const char* name : {"lib/a.py", "lib/b.py"}) fs::last_write_time(source_ / name, in_a_second);
    CPPUNIT_ASSERT(value_of(pack()).notices.empty());
    write_file(source_ / "lib/__pycache__/a.cpython-311.pyc", pyc(0, 1'700'000'000));
    write_file(source_ / "lib/__pycache__/b.cpython-311.opt-1.pyc", pyc(0, 1'700'000'001));
    write_file(source_ / "lib/__pycache__/b.cpython-311.pyc", pyc(3, 77));     // by hash
    write_file(source_ / "lib/__pycache__/gone.cpython-311.pyc", pyc(0, 77));  // no source to be younger
    write_file(source_ / "lib/short.pyc", "x");
    const auto notices = value_of(pack()).notices;
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, notices.size());
    CPPUNIT_ASSERT_MESSAGE(notices[0], notices[0].starts_with("2 .pyc files are for sources of another time"));
    CPPUNIT_ASSERT(notices[0].find("compileall --invalidation-mode checked-hash") != std::string::npos);
    const Fd fd = tarball();
    const PackOptions options{.keep_mtimes = true};
    const auto kept = value_of(pack_release(source_, "my_app", "1", fd.get(), {}, options)).notices;
    CPPUNIT_ASSERT(kept.size() == 1 && kept[0].starts_with("1 .pyc file is"));
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
        {"source/b'       ", [&] { write_file(source_ / "b", "2", 0600); }},
        {"source'", [&] { write_file(source_ / "c", "new"); }},
        {"source' ", [&] { fs::create_directory(source_ / "c"); }},
        {"source'  ", [&] { fs::create_symlink("a", source_ / "c"); }},
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
