#include "midair/release/manifest.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair {

namespace {

const std::string kDigest(64, 'a');

std::string file_json(const std::string& path) {
  return R"({"executable":false,"path":")" + path + R"(","sha256":")" + kDigest + R"(","size":1})";
}

/// A manifest with these elements of "files".
std::string manifest_json(const std::string& files) {
  return R"({"app":"my_app","files":[)" + files + R"(],"format":1,"strategy":"handover","version":"1.2.0"})";
}

std::string with_paths(const std::vector<std::string>& paths) {
  std::string files;
  for (const auto& path : paths) files += (files.empty() ? "" : ",") + file_json(path);
  return manifest_json(files);
}

Result<Manifest> parse(const std::string& text) { return Manifest::parse(text, "midair.json"); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  CPPUNIT_ASSERT_MESSAGE(from, at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

class ManifestTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ManifestTest);
  CPPUNIT_TEST(survives_a_round_trip);
  CPPUNIT_TEST(takes_handover_for_granted);
  CPPUNIT_TEST(ignores_unknown_fields_wherever_they_are);
  CPPUNIT_TEST(refuses_a_newer_format_whatever_else_it_holds);
  CPPUNIT_TEST(refuses_wrong_types_and_missing_fields);
  CPPUNIT_TEST(refuses_what_no_sidecar_could_run);
  CPPUNIT_TEST(refuses_unsafe_names);
  CPPUNIT_TEST(refuses_duplicate_and_clashing_names);
  CPPUNIT_TEST(allows_neighbours_that_only_look_alike);
  CPPUNIT_TEST(refuses_files_out_of_order);
  CPPUNIT_TEST(says_which_file_is_wrong);
  CPPUNIT_TEST(checks_entry_names);
  CPPUNIT_TEST(escapes_control_characters_in_messages);
  CPPUNIT_TEST(reads_a_hundred_thousand_files);
  CPPUNIT_TEST_SUITE_END();

  void survives_a_round_trip() {
    Manifest manifest;
    manifest.app = "my_app";
    manifest.version = "1.2.0";
    manifest.strategy = "static";
    manifest.files = {{.path = "bin/run", .size = 5, .digest = kDigest, .executable = true},
                      {.path = "data", .size = 9007199254740991ULL, .digest = kDigest}};
    const std::string text = manifest.to_json();
    CPPUNIT_ASSERT_EQUAL(R"({"app":"my_app","files":[{"executable":true,"path":"bin/run","sha256":")" + kDigest +
                             R"(","size":5},{"executable":false,"path":"data","sha256":")" + kDigest +
                             R"(","size":9007199254740991}],"format":1,"strategy":"static","version":"1.2.0"})",
                         text);
    const Manifest read = value_of(parse(text));
    CPPUNIT_ASSERT_EQUAL(text, read.to_json());
    CPPUNIT_ASSERT(read.files[0].executable && !read.files[1].executable);
  }

  void takes_handover_for_granted() {
    const Manifest manifest = value_of(parse(replaced(with_paths({"a"}), R"("strategy":"handover",)", "")));
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), manifest.strategy);
  }

  void ignores_unknown_fields_wherever_they_are() {
    const std::string file = replaced(file_json("a"), "{", R"({"files":[{"path":"x"}],"x":{"y":[1,{}]},)");
    const std::string text = replaced(manifest_json(file), "{", R"({"a":[[{"path":"q"}]],"b":{"files":[{}]},)");
    const Manifest manifest = value_of(parse(text));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, manifest.files.size());
    CPPUNIT_ASSERT_EQUAL(std::string("a"), manifest.files[0].path);
  }

  void refuses_a_newer_format_whatever_else_it_holds() {
    assert_fails(parse(R"({"files":{"by":"hash"},"format":2})"), Errc::refused, "format 2 is newer");
    assert_fails(parse(R"({"files":[{"path":"../x"},7],"format":2})"), Errc::refused, "format 2 is newer");
  }

  void refuses_wrong_types_and_missing_fields() {
    const std::string good = with_paths({"a"});
    CPPUNIT_ASSERT(parse(good).ok());
    for (const auto& [from, to] :
         std::vector<std::pair<std::string, std::string>>{{R"("format":1)", R"("format":0)"},
                                                          {R"("format":1)", R"("format":"1")"},
                                                          {R"("format":1,)", ""},
                                                          {R"("app":"my_app")", R"("app":1)"},
                                                          {R"("app":"my_app",)", ""},
                                                          {R"("version":"1.2.0")", R"("version":null)"},
                                                          {R"("strategy":"handover")", R"("strategy":true)"},
                                                          {R"("size":1)", R"("size":"1")"},
                                                          {R"("size":1)", R"("size":-1)"},
                                                          {R"("size":1)", R"("size":1.5)"},
                                                          {R"(,"size":1)", ""},
                                                          {R"("path":"a")", R"("path":["a"])"},
                                                          {R"("executable":false)", R"("executable":0)"},
                                                          {kDigest, std::string(63, 'a')},
                                                          {kDigest, std::string(64, 'A')},
                                                          {file_json("a"), "1"},
                                                          {file_json("a"), "[" + file_json("a") + "]"},
                                                          {"[" + file_json("a") + "]", "{}"},
                                                          {"[" + file_json("a") + "]", "null"}})
      assert_fails(parse(replaced(good, from, to)), Errc::corrupt, "midair.json");
    for (const char* text : {"", "[]", "1", "<html>", "{} {}", R"({"format":1,"format":1})"})
      assert_fails(parse(text), Errc::corrupt, "midair.json");
    assert_fails(parse(std::string(kMaxManifestBytes + 1, ' ')), Errc::corrupt, "longer than");
  }

  void refuses_what_no_sidecar_could_run() {
    assert_fails(parse(with_paths({})), Errc::refused, "no files");
    assert_fails(parse(replaced(with_paths({"a"}), "handover", "teleport")), Errc::refused, "'teleport' is not known");
    assert_fails(parse(replaced(with_paths({"a"}), "my_app", "My/App")), Errc::refused, "app name");
    assert_fails(parse(replaced(with_paths({"a"}), "1.2.0", "../1")), Errc::refused, "version");
  }

  void refuses_unsafe_names() {
    for (const char* name : {"..", "../x", "a/../../x", "/etc/x", "", "a//b", "a/", "./a", "a b", "a\\\\b", "\\u00e9"})
      assert_fails(parse(with_paths({name})), Errc::refused, "name");
  }

  void refuses_duplicate_and_clashing_names() {
    assert_fails(parse(with_paths({"a", "a"})), Errc::refused, "'a': it is listed twice");
    assert_fails(parse(with_paths({"A", "a"})), Errc::refused, "only by case");
    assert_fails(parse(with_paths({"LIB/x", "a", "lib/y"})), Errc::refused, "directory differs");
    assert_fails(parse(with_paths({"a", "a.b", "a/b"})), Errc::refused, "a file and, in 'a/b', a directory");
    assert_fails(parse(with_paths({"A", "a/b"})), Errc::refused, "a directory");
    assert_fails(parse(with_paths({"midair.json"})), Errc::refused, "listed twice");
    assert_fails(parse(with_paths({"Midair.JSON"})), Errc::refused, "only by case");
    assert_fails(parse(with_paths({"midair.json/x"})), Errc::refused, "a directory");
  }

  void allows_neighbours_that_only_look_alike() {
    for (const auto& paths : std::vector<std::vector<std::string>>{{"a", "a.b", "a0"},
                                                                   {"a-b/x", "a.b/x", "a/x", "ab"},
                                                                   {"lib/A", "lib2/a"},
                                                                   {"a/B/c", "b/b/c"},
                                                                   {"a/midair.json", "midair.json5"}})
      CPPUNIT_ASSERT_EQUAL(paths.size(), value_of(parse(with_paths(paths))).files.size());
  }

  void refuses_files_out_of_order() {
    assert_fails(parse(with_paths({"b", "a"})), Errc::corrupt, "'a' is not in byte order");
    assert_fails(parse(with_paths({"a/x", "a.x"})), Errc::corrupt, "not in byte order");
  }

  void says_which_file_is_wrong() {
    const std::string bad = replaced(file_json("b"), R"("size":1)", R"("size":null)");
    assert_fails(parse(manifest_json(file_json("a") + "," + bad)), Errc::corrupt,
                 "file 2 of midair.json: field 'size' is missing");
  }

  void checks_entry_names() {
    for (const std::string& name : {std::string("a"), std::string("A-Z/a_z/0.9/@x+y"), std::string(".hidden/..x/x.."),
                                    std::string(255, 'c'), std::string(255, 'c') + "/" + std::string(255, 'd')})
      assert_ok(check_entry_name(name));
    for (const auto& [name, rule] : std::vector<std::pair<std::string, std::string>>{
             {"", "empty"},
             {"/a", "absolute"},
             {"//a", "absolute"},
             {"a//b", "empty component"},
             {"a/", "empty component"},
             {".", "'.' component"},
             {"a/..", "'..' component"},
             {"a/../b", "'..' component"},
             {"~/a", "character '~'"},
             {"a b", "character ' '"},
             {"a\\b", "character '\\'"},
             {"C:a", "character ':'"},
             {std::string(256, 'c'), "more than 255 bytes"},
             {std::string(200, 'c') + "/" + std::string(824, 'c'), "longer than 1024 bytes"}})
      assert_fails(check_entry_name(name), Errc::refused, rule);
  }

  void escapes_control_characters_in_messages() {
    assert_fails(check_entry_name("a\n\x1b[2J"), Errc::refused, R"('a\x0a\x1b[2J')");
    assert_fails(check_entry_name(std::string("a\0b", 3)), Errc::refused, R"(character '\x00')");
    assert_fails(check_entry_name("\xE2\x80\xAE"), Errc::refused, R"(character '\xe2')");
    CPPUNIT_ASSERT(check_entry_name(std::string(5000, 'x')).error().message().size() < 400);
  }

  void reads_a_hundred_thousand_files() {
    Manifest manifest;
    manifest.app = "my_app";
    manifest.version = "1";
    for (int i = 100'000; i < 200'000; ++i)
      manifest.files.push_back({.path = "node_modules/f" + std::to_string(i), .size = 1, .digest = kDigest});
    const Manifest read = value_of(parse(manifest.to_json()));
    CPPUNIT_ASSERT_EQUAL(std::size_t{100'000}, read.files.size());
    CPPUNIT_ASSERT_EQUAL(std::string("node_modules/f199999"), read.files.back().path);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ManifestTest, "manifest");

}  // namespace midair
