#include "release/ignore/ignore_rules.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair {

class IgnoreRulesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(IgnoreRulesTest);
  CPPUNIT_TEST(patterns_without_a_slash_match_at_any_depth);
  CPPUNIT_TEST(patterns_with_a_slash_match_from_the_top);
  CPPUNIT_TEST(two_stars_are_any_number_of_directories);
  CPPUNIT_TEST(the_last_pattern_decides);
  CPPUNIT_TEST(sets_and_escapes);
  CPPUNIT_TEST(blanks_comments_and_line_ends);
  CPPUNIT_TEST(what_could_never_match_is_refused_with_its_line);
  CPPUNIT_TEST(hard_patterns_take_no_time);
  CPPUNIT_TEST_SUITE_END();

  /// 'x' left out, '!' taken, '-' no pattern matches. `name` ends with a slash if it is a directory.
  static char judged(std::string_view text, std::string name) {
    const bool is_directory = name.ends_with('/');
    if (is_directory) name.pop_back();
    const auto verdict = value_of(IgnoreRules::parse(text, "f")).judge(name, is_directory);
    if (!verdict) return '-';
    return verdict == IgnoreVerdict::leave_out ? 'x' : '!';
  }

  static void expect(std::string_view text, const std::string& name, char verdict) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(std::string(text) + " on " + name, verdict, judged(text, name));
  }

  void patterns_without_a_slash_match_at_any_depth() {
    expect("*.log", "a.log", 'x');
    expect("*.log", "x/y/.log", 'x');
    expect("*.log", "a.log/b", '-');
    expect("tmp/", "tmp/", 'x');
    expect("tmp/", "a/tmp/", 'x');
    expect("tmp/", "tmp", '-');
    expect("**", "a/b", 'x');
  }

  void patterns_with_a_slash_match_from_the_top() {
    expect("/a", "a", 'x');
    expect("/a", "b/a", '-');
    expect("a/b", "a/b", 'x');
    expect("a/b", "x/a/b", '-');
    expect("a/*", "a/b/c", '-');
    expect("a/*/", "a/b/", 'x');
    expect("/*", "a", 'x');
    expect("/*", "a/b", '-');
    expect("a\\/b", "a/b", 'x');
  }

  void two_stars_are_any_number_of_directories() {
    for (const char* name : {"b", "a/b", "a/a/b"}) expect("**/b", name, 'x');
    for (const char* name : {"a/b", "a/x/b", "a/x/y/b"}) expect("a/**/b", name, 'x');
    expect("a/**/b", "a/xb", '-');
    expect("a/**", "a", '-');
    expect("a/**", "a/", '-');
    expect("a/**", "a/b/c", 'x');
    expect("**/a/**/b/**", "x/a/b/c", 'x');
    expect("a/b**", "a/bcd", 'x');
    expect("a/b**", "a/b/c", '-');
  }

  void the_last_pattern_decides() {
    expect("*.env\n!a.env", "a.env", '!');
    expect("*.env\n!a.env", "b.env", 'x');
    expect("!a.env\n*.env", "a.env", 'x');
    expect("*.env", "c", '-');
  }

  void sets_and_escapes() {
    expect("[a-c]x", "bx", 'x');
    expect("[!a-c]x", "bx", '-');
    expect("[^a-c]x", "dx", 'x');
    expect("[]-]", "]", 'x');
    expect("[[:digit:]]", "7", 'x');
    expect("[[:digit:]x]", "d", '-');
    expect("[\\]]", "]", 'x');
    expect("a\\*", "a*", 'x');
    expect("a\\*", "ab", '-');
    expect("\\!a", "!a", 'x');
    expect("\\#a", "#a", 'x');
    expect("?", "ab", '-');
    expect("[slug]", "[slug]", '-');
    expect("\\[slug]", "[slug]", 'x');
  }

  void blanks_comments_and_line_ends() {
    expect("\xEF\xBB\xBF# a\n\n  \na  \r\n", "a", 'x');
    expect("a\\ ", "a ", 'x');
    expect("a\\\\ ", "a\\", 'x');
    expect(" a", " a", 'x');
    expect("#a", "#a", '-');
    expect("", "a", '-');
  }

  void what_could_never_match_is_refused_with_its_line() {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a[b", "its '[' has no ']'"},   {"[a/b]", "its '[' has no ']'"},
        {"a\\", "last backslash"},       {"a\\/", "last backslash"},
        {"!", "it has no pattern"},      {"/", "it has no pattern"},
        {"a//b", "between two slashes"}, {"[[:number:]]", "no class that there is"},
        {"[[=a=]]", "'[=' inside"},      {std::string("a\0b", 3), "NUL"},
    };
    for (const auto& [line, words] : cases) {
      const auto rules = IgnoreRules::parse("# comment\n" + line + "\n", "'.midairignore'");
      assert_fails(rules, Errc::bad_input, words);
      assert_fails(rules, Errc::bad_input, "'.midairignore', line 2: ");
    }
  }

  void hard_patterns_take_no_time() {
    std::string stars, depths, name, path;
    for (int i = 0; i < 60; ++i) {
      stars += "*a";
      depths += "**/a/";
      name += "a";
      path += "a/";
    }
    expect(stars + "b", name + name, '-');
    expect(depths + "b", path + path + "c", '-');
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(IgnoreRulesTest, "ignore_rules");

}  // namespace midair
