#include "midair/release/manifest.h"

#include <cppunit/extensions/HelperMacros.h>

#include "release/entry_links.h"
#include "release/required_features.h"
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

/// With files of these names.
Manifest plain(const std::vector<std::string>& paths) {
  Manifest manifest;
  manifest.app = "my_app";
  manifest.version = "1.2.0";
  for (const auto& path : paths) manifest.files.push_back({.path = path, .size = 1, .digest = kDigest});
  return manifest;
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
  CPPUNIT_TEST(what_requires_features_survives_a_round_trip);
  CPPUNIT_TEST(refuses_what_it_has_and_does_not_require);
  CPPUNIT_TEST(refuses_features_of_newer_agents);
  CPPUNIT_TEST(refuses_wrong_directories_and_links);
  CPPUNIT_TEST(requires_no_more_than_it_needs);
  CPPUNIT_TEST(links_are_followed_as_the_kernel_would);
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
    assert_fails(parse(R"({"files":{"by":"hash"},"format":3})"), Errc::refused, "format 3 is newer");
    assert_fails(parse(R"({"files":[{"path":"../x"},7],"format":3})"), Errc::refused, "format 3 is newer");
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
    for (const char* name :
         {"..", "../x", "a/../../x", "/etc/x", "", "a//b", "a/", "./a", "a\\u0001b", "a\\u007f", "\\u0085"})
      assert_fails(parse(with_paths({name})), Errc::refused, "name");
  }

  void refuses_duplicate_and_clashing_names() {
    assert_fails(parse(with_paths({"a", "a"})), Errc::refused, "'a': it is listed twice");
    assert_fails(parse(with_paths({"a", "a.b", "a/b"})), Errc::refused, "a file and, in 'a/b', a directory");
    assert_fails(parse(with_paths({"midair.json"})), Errc::refused, "listed twice");
    assert_fails(parse(with_paths({"midair.json/x"})), Errc::refused, "a directory");
  }

  void allows_neighbours_that_only_look_alike() {
    for (const auto& paths : std::vector<std::vector<std::string>>{{"a", "a.b", "a0"},
                                                                   {"a-b/x", "a.b/x", "a/x", "ab"},
                                                                   {"lib/A", "lib2/a"},
                                                                   {"a/B/c", "b/b/c"},
                                                                   {"A", "a"},
                                                                   {"A", "a/b"},
                                                                   {"LIB/x", "a", "lib/y"},
                                                                   {"Midair.JSON"},
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
    for (const std::string& name :
         {std::string("a"), std::string("A-Z/a_z/0.9/@x+y"), std::string(".hidden/..x/x.."), std::string(255, 'c'),
          std::string(255, 'c') + "/" + std::string(255, 'd'), std::string("~/a b\\C:*$(x)"),
          std::string("app/[slug]/(group)/@modal"), std::string("\u00e9te\u0301/\u202etxt")})
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
             {"a\tb", "control character '\\x09'"},
             {"\xC2\x9Bm", "control character '\\xc2\\x9b'"},
             {"caf\xE9", "byte '\\xe9', which is not UTF-8"},
             {"\xED\xA0\x80", "which is not UTF-8"},
             {"\xC0\xAF", "which is not UTF-8"},
             {std::string(256, 'c'), "more than 255 bytes"},
             {std::string(200, 'c') + "/" + std::string(2872, 'c'), "longer than 3072 bytes"}})
      assert_fails(check_entry_name(name), Errc::refused, rule);
  }

  void escapes_control_characters_in_messages() {
    assert_fails(check_entry_name("a\n\x1b[2J"), Errc::refused, R"('a\x0a\x1b[2J')");
    assert_fails(check_entry_name(std::string("a\0b", 3)), Errc::refused, R"(control character '\x00')");
    assert_fails(check_entry_name("\xE2\x80"), Errc::refused, R"(byte '\xe2')");
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

  void what_requires_features_survives_a_round_trip() {
    Manifest manifest = plain({"a", "keys/tls.key"});
    manifest.files[1].access = Access::owner;
    manifest.files[1].mtime = 1'700'000'000;
    manifest.directories = {{"keys", Access::group}, {"tmp/pids", Access::all}};
    manifest.links = {{"current", "a"}, {"python", "/usr/bin/python3"}};
    manifest.required_features = features_needed_by(manifest);
    const std::string text = manifest.to_json();
    for (const std::string& part :
         {std::string(R"("access":"owner","executable":false,"mtime":1700000000)"),
          std::string(R"("directories":[{"access":"group","path":"keys"},{"path":"tmp/pids"}])"),
          std::string(R"("links":[{"path":"current","target":"a"},{"path":"python","target":"/usr/bin/python3"}])"),
          std::string(R"("requires":["directories","links","modes","mtimes"])"), std::string(R"("format":2)")})
      CPPUNIT_ASSERT_MESSAGE(text, text.find(part) != std::string::npos);
    const Manifest read = value_of(parse(text));
    CPPUNIT_ASSERT_EQUAL(text, read.to_json());
    CPPUNIT_ASSERT(read.directories == manifest.directories && read.links == manifest.links);
    CPPUNIT_ASSERT(read.files[1].access == Access::owner && read.files[1].mtime == 1'700'000'000U);
  }

  void refuses_what_it_has_and_does_not_require() {
    const std::string good = with_paths({"a"});
    for (const auto& [addition, feature] :
         std::vector<std::pair<std::string, std::string>>{{R"("links":[{"path":"l","target":"a"}],)", "'links'"},
                                                          {R"("directories":[{"path":"d"}],)", "'directories'"}})
      assert_fails(parse(replaced(good, R"("format")", addition + R"("format")")), Errc::refused, feature);
    assert_fails(parse(replaced(good, R"("size":1)", R"("size":1,"access":"owner")")), Errc::refused, "'modes'");
    assert_fails(parse(replaced(good, R"("size":1)", R"("size":1,"mtime":5)")), Errc::refused, "'mtimes'");
    assert_fails(parse(replaced(good, R"("format":1)", R"("format":1,"requires":["links"])")), Errc::refused,
                 "its format is 1");
  }

  void refuses_features_of_newer_agents() {
    const std::string newer =
        replaced(with_paths({"a"}), R"("format":1)", R"("format":2,"requires":["links","wings"])");
    assert_fails(parse(newer), Errc::refused, "it requires wings, which is not known here");
    CPPUNIT_ASSERT(parse(newer).error().hint.find("sidecar") != std::string::npos);
    assert_fails(parse(replaced(newer, R"("links","wings")", "7")), Errc::corrupt, "requires");
  }

  void refuses_wrong_directories_and_links() {
    const std::string good = replaced(
        with_paths({"a"}), R"("format":1)",
        R"("directories":[{"path":"d"}],"format":2,"links":[{"path":"l","target":"a"}],"requires":["directories","links"])");
    CPPUNIT_ASSERT(parse(good).ok());
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {R"([{"path":"d"}])", R"(["d"])"},
             {R"([{"path":"d"}])", "7"},
             {R"({"path":"d"})", R"({"path":"d","access":"all"})"},
             {R"({"path":"d"})", R"({"path":7})"},
             {R"({"path":"d"})", R"({"path":"e"},{"path":"d"})"},
             {R"("target":"a")", R"("target":7)"},
             {R"("target":"a")", R"("x":"a")"},
             {R"({"path":"l","target":"a"})", R"({"path":"m","target":"a"},{"path":"l","target":"a"})"}})
      assert_fails(parse(replaced(good, from, to)), Errc::corrupt, "midair.json");
    for (const auto& [from, to] :
         std::vector<std::pair<std::string, std::string>>{{R"({"path":"d"})", R"({"path":"a"})"},
                                                          {R"({"path":"d"})", R"({"path":"a/d"})"},
                                                          {R"({"path":"d"})", R"({"path":"../d"})"},
                                                          {R"({"path":"d"})", R"({"path":"l/d"})"},
                                                          {R"({"path":"d"})", R"({"path":"midair.json"})"},
                                                          {R"("path":"l")", R"("path":"d")"},
                                                          {R"("path":"l")", R"("path":"/l")"},
                                                          {R"("path":"l")", R"("path":"midair.json")"}})
      assert_fails(parse(replaced(good, from, to)), Errc::refused, "name");
  }

  void requires_no_more_than_it_needs() {
    using Features = std::vector<std::string>;
    CPPUNIT_ASSERT((features_needed_by(plain({"a", "b/c.d", "b/" + std::string(100, 'n')})) == Features{}));
    CPPUNIT_ASSERT((features_needed_by(plain({"b/" + std::string(101, 'n')})) == Features{"long-names"}));
    for (const auto& paths : std::vector<Features>{
             {"[slug]"}, {"\u00e9"}, {"a b"}, {"A", "a"}, {"LIB/x", "lib/y"}, {"A/x", "a"}, {"Midair.json"}})
      CPPUNIT_ASSERT_MESSAGE(paths[0], (features_needed_by(plain(paths)) == Features{"names"}));
    CPPUNIT_ASSERT((features_needed_by(plain({"lib/A", "lib2/a", "libA/a"})) == Features{}));
    Manifest long_target = plain({"a"});
    long_target.links = {{"l", std::string(101, 't')}};
    CPPUNIT_ASSERT((features_needed_by(long_target) == Features{"links", "long-names"}));
  }

  static std::string arrow(std::string path, const std::string& target) {
    path.append(" -> ").append(target);
    return path;
  }

  void links_are_followed_as_the_kernel_would() {
    Manifest manifest = plain({"bin/run", "deep/er/file", "lib/x.so.1"});
    manifest.directories = {{"tmp", Access::all}};
    manifest.links = {{"a", "b"},         {"b", "c"},           {"c", "bin/run"}, {"deep/up", "../lib"},
                      {"loop1", "loop2"}, {"loop2", "./loop1"}, {"out", "/usr"},  {"self", "self"},
                      {"up", "deep/er"}};
    const auto problem = [&](const std::string& path, const std::string& target) {
      return find_link_problem(manifest, {path, target});
    };
    for (const auto& [path, target] : std::vector<std::pair<std::string, std::string>>{{"l", "bin/run"},
                                                                                       {"l", "./bin//run"},
                                                                                       {"l", "tmp"},
                                                                                       {"l", "tmp/"},
                                                                                       {"bin/l", "run"},
                                                                                       {"bin/l", "../lib"},
                                                                                       {"l", "."},
                                                                                       {"x/y/l", "../../midair.json"},
                                                                                       {"l", "a"},
                                                                                       {"l", "deep/up/x.so.1"},
                                                                                       {"l", "up/../er/file"},
                                                                                       {"l", "/usr/bin/python3"},
                                                                                       {"l", "/"},
                                                                                       {"l", "out"},
                                                                                       {"l", "lib/../bin/run"}})
      CPPUNIT_ASSERT_EQUAL_MESSAGE(arrow(path, target), std::string(), problem(path, target));
    for (const auto& [path, target, words] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {"l", "..", "out of the release"},
             {"l", "../x", "out of the release"},
             {"bin/l", "../../x", "out of the release"},
             {"l", "bin/../../x", "out of the release"},
             {"l", "deep/up/../../x", "out of the release"},  // by their letters this were 'x'
             {"l", "out/lib", "by the link 'out'"},
             {"l", "none", "to 'none', which"},
             {"l", "bin/none", "to 'bin/none', which"},
             {"l", "none/../bin", "to 'none', which"},
             {"l", "bin/run/x", "through a file"},
             {"l", "bin/run/", "through a file"},
             {"l", "bin/run/..", "through a file"},
             {"l", "loop1", "in a loop"},
             {"l", "self", "in a loop"},
             {"l", "self/x", "in a loop"},
             {"l", "", "to nothing"},
             {"l", "a\nb", "control character"},
             {"l", "\xFF", "not UTF-8"},
             {"l", "/usr/../etc", "'..' component"},
             {"l", std::string(4096, 'x'), "longer than 4095"}})
      CPPUNIT_ASSERT_MESSAGE(arrow(path, target).append(": ").append(problem(path, target)),
                             problem(path, target).find(words) != std::string::npos);
    manifest.links.clear();
    for (char c = 'a'; c <= 'k'; ++c)
      manifest.links.push_back({{c}, c == 'a' ? "bin" : std::string(1, static_cast<char>(c - 1))});
    CPPUNIT_ASSERT_EQUAL(std::string(), problem("z", "h"));  // a to h: eight
    CPPUNIT_ASSERT(problem("z", "i").find("more than 8") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ManifestTest, "manifest");

}  // namespace midair
