#include "midair/config/fly_config.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>

#include <fstream>

#include "config/fly_node.h"
#include "midair/config/fly_kill_signal.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

class FlyConfigTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FlyConfigTest);
  CPPUNIT_TEST(a_value_is_what_flyctl_makes_of_it);
  CPPUNIT_TEST(numbers_are_written_as_go_writes_them);
  CPPUNIT_TEST(tables_of_env_lie_one_over_the_other);
  CPPUNIT_TEST(empty_values_are_none);
  CPPUNIT_TEST(an_app_that_is_no_text_is_none);
  CPPUNIT_TEST(what_only_flyctl_reads_does_not_stop_us);
  CPPUNIT_TEST(strings_and_comments_stay_as_they_are);
  CPPUNIT_TEST(letters_beyond_ascii_are_no_whitespace);
  CPPUNIT_TEST(json_and_yaml_say_the_same);
  CPPUNIT_TEST(plain_scalars_of_yaml_have_types);
  CPPUNIT_TEST(what_can_not_be_read_is_said_with_its_line);
  CPPUNIT_TEST(what_is_no_file_is_not_waited_for);
  CPPUNIT_TEST(the_kill_signal_is_found);
  CPPUNIT_TEST_SUITE_END();

  using Texts = std::map<std::string, std::string>;

  Result<FlyConfig> read(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return read_fly_config(dir_ / name);
  }
  std::string toml_value(const std::string& value) {
    return value_of(read("fly.toml", "[env]\nA = " + value + "\n")).env.at("A").text;
  }
  static void same(const std::string& expected, const std::string& found) { CPPUNIT_ASSERT_EQUAL(expected, found); }

  void the_kill_signal_is_found() {
    const auto signal_in = [this](const std::string& text) {
      std::ofstream(dir_ / "fly.toml") << text;
      return fly_kill_signal(dir_ / "fly.toml");
    };
    same("SIGQUIT", value_of(signal_in("app = \"a\"\nkill_signal = 'SIGQUIT'\n[env]\nkill_signal = 'X'\n")));
    same("", value_of(signal_in("[env]\nkill_signal = 'SIGQUIT'\n")));
    same("", value_of(signal_in("kill_signal = 3\n")));
    assert_fails(signal_in("kill_signal = "), Errc::bad_input);
    assert_fails(fly_kill_signal(dir_ / "none.toml"), Errc::not_found);
  }

  void a_value_is_what_flyctl_makes_of_it() {
    same("8080", toml_value("8080"));
    same("255", toml_value("0xff"));
    same("493", toml_value("0o755"));
    same("true", toml_value("true"));
    same("2024-01-01", toml_value("2024-01-01"));
    same("07:32:00", toml_value("07:32:00"));
    same("07:32:00.500000000", toml_value("07:32:00.5"));
    same("2024-01-01T07:32:00", toml_value("2024-01-01T07:32:00"));
    same("2024-01-01 00:00:00 +0000 UTC", toml_value("2024-01-01T00:00:00Z"));
    same("2024-01-01 00:00:00.5 -0330 -0330", toml_value("2024-01-01T00:00:00.5-03:30"));
    same("[a b]", toml_value("['a', 'b']"));
    same("map[a:1 b:[2]]", toml_value("{b = [2], a = 1}"));
    same("map[b:y]", value_of(read("fly.toml", "[env]\na.b = 'y'\n")).env.at("a").text);
    same("map[x:1]", value_of(read("fly.toml", "[env.production]\nx = 1\n")).env.at("production").text);
  }

  void numbers_are_written_as_go_writes_them() {
    for (const auto& [written, read] : Texts{{"0.1", "0.1"},
                                             {"1.0", "1"},
                                             {"1e3", "1000"},
                                             {"100000000.0", "1e+08"},
                                             {"1234567.0", "1.234567e+06"},
                                             {"123456.0", "123456"},
                                             {"0.0001", "0.0001"},
                                             {"0.00001", "1e-05"},
                                             {"-0.0", "-0"},
                                             {"inf", "+Inf"},
                                             {"-inf", "-Inf"},
                                             {"nan", "NaN"}})
      same(read, toml_value(written));
  }

  void tables_of_env_lie_one_over_the_other() {
    const auto config = value_of(read("fly.toml", "[[env]]\nA = '1'\nB = '1'\n[[env]]\nB = '2'\n"));
    same("1", config.env.at("A").text);
    same("2", config.env.at("B").text);
    same((dir_ / "fly.toml").string() + ":5 [env] B", config.env.at("B").origin);
  }

  void empty_values_are_none() {
    const auto config = value_of(read("fly.toml", "app = ''\n[env]\nA = ''\n"));
    CPPUNIT_ASSERT(!config.app && config.env.empty());
  }

  void an_app_that_is_no_text_is_none() {
    CPPUNIT_ASSERT(!value_of(read("fly.toml", "app = 5\n")).app);
    CPPUNIT_ASSERT(!value_of(read("fly.yaml", "app: 5\n")).app);
    CPPUNIT_ASSERT(!value_of(read("fly.json", R"({"app":null})")).app);
  }

  void what_only_flyctl_reads_does_not_stop_us() {
    const auto config = value_of(
        read("fly.toml", "app = 'web'\nPS1 = \"\\e[32m\"\nD = 2024-01-01T23:59:60Z\n[env]\nA = \"\\x41\\\"\\e\"\n"));
    same("web", config.app->text);
    same("A\"\x1b", config.env.at("A").text);
    same("a\r\nb", value_of(read("fly.toml", "[env]\r\nA = \"\"\"\r\na\r\nb\"\"\"\r\n")).env.at("A").text);
  }

  void strings_and_comments_stay_as_they_are() {
    for (const std::string text :
         {"# it's \"\"\" 23:59:60 \\e\nA = 'b'", "A = '\\e 23:59:60'", "A = '''\n\\e'''''",
          "A = \"\"\"a\\\n  b\"\"\"\"", "A = \"\\\\e 23:59:60\"", "A = 23:59:601", "A = '''\\e", "\\", "A = \"\\"})
      same(text, as_toml_1_0(text));
    same("ab", toml_value("\"\"\"\\\r\n  a\\\r\n \r\n b\"\"\""));
  }

  // toml++ asks of each character after a line that ends in a backslash; see config/tomlplusplus.h.
  void letters_beyond_ascii_are_no_whitespace() {
    same("one \u00e9t\u00e9", toml_value("\"\"\"one \\\n  \u00e9t\u00e9\"\"\""));
    fails("fly.toml", "[env]\nA = 2026-11-2\u02ab\n", ":2: it is no TOML: ");
  }

  void json_and_yaml_say_the_same() {
    const auto json =
        value_of(read("fly.json", R"({"app":"web","env":{"A":"x","B":8080,"C":1e6,"D":true,"E":[1,"a"]}})"));
    const auto yaml =
        value_of(read("fly.yaml", "app: web\nenv:\n  A: x\n  B: 8080\n  C: 1e6\n  D: true\n  E: [1, a]\n"));
    for (const auto* config : {&json, &yaml}) {
      same("web", config->app->text);
      for (const auto& [name, text] : Texts{{"A", "x"}, {"B", "8080"}, {"C", "1e+06"}, {"D", "true"}, {"E", "[1 a]"}})
        same(text, config->env.at(name).text);
    }
    same((dir_ / "fly.json").string() + " [env] A", json.env.at("A").origin);
    same((dir_ / "fly.yaml").string() + ":3 [env] A", yaml.env.at("A").origin);
    same("1", value_of(read("fly.yml", "env:\n- A: 1\n")).env.at("A").text);
  }

  void plain_scalars_of_yaml_have_types() {
    const auto config = value_of(read("fly.yaml",
                                      "env:\n  A: '0x10'\n  B: 0x10\n  C: 1_000\n  D: yes\n  E: 2024-01\n  F: .inf\n"
                                      "  G: 0o17\n  H: +5\n  I: 1.50\n  J: -x\n  K: ''\n"));
    const Texts expected{{"A", "0x10"}, {"B", "16"}, {"C", "1000"}, {"D", "yes"}, {"E", "2024-01"},
                         {"F", "+Inf"}, {"G", "15"}, {"H", "5"},    {"I", "1.5"}, {"J", "-x"}};
    for (const auto& [name, text] : expected) same(text, config.env.at(name).text);
    CPPUNIT_ASSERT(!config.env.contains("K"));
    CPPUNIT_ASSERT(value_of(read("fly.yaml", "env:\n")).env.empty());
    CPPUNIT_ASSERT(value_of(read("fly.yaml", "")).env.empty());
  }

  void fails(const std::string& name, const std::string& text, const std::string& expected) {
    const auto config = read(name, text);
    CPPUNIT_ASSERT_MESSAGE(text, !config.ok() && config.error().code == Errc::bad_input);
    CPPUNIT_ASSERT_MESSAGE(config.error().message(),
                           config.error().message().starts_with("cannot use " + (dir_ / name).string() + expected));
  }

  void what_can_not_be_read_is_said_with_its_line() {
    fails("fly.toml", "app = 'a'\nb =\n", ":2: it is no TOML: ");
    fails("fly.toml", "env = 3\n", ":1: 'env' must be a table");
    fails("fly.toml", "env = [3]\n", ":1: 'env' must be a table");
    fails("fly.json", "{", ": it is not valid JSON");
    fails("fly.json", "[]", ": it is not a JSON object");
    fails("fly.yaml", "app: a\n b: [\n", ":2: it is no YAML: ");
    fails("fly.yaml", "text\n", ":1: settings are written 'key: value'");
    fails("fly.yaml", "a: &x {b: *x}\n", ":1: it is no YAML: too many values");
  }

  void what_is_no_file_is_not_waited_for() {
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((dir_ / "fifo").c_str(), 0600));
    for (const std::string& path : {(dir_ / "fifo").string(), dir_.path().string(), std::string("/dev/zero")})
      CPPUNIT_ASSERT_MESSAGE(path, read_fly_config(path).error().code == Errc::bad_input);
    same("cannot read " + (dir_ / "fifo").string() + ": it is a fifo, no file",
         read_fly_config(dir_ / "fifo").error().message());
    CPPUNIT_ASSERT(read_fly_config(dir_ / "none").error().code == Errc::not_found);
  }

  const TempDir dir_;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FlyConfigTest, "fly_config");

}  // namespace midair
