#include "config/config.h"

#include <cppunit/extensions/HelperMacros.h>

#include <fstream>

#include "temp_dir.h"

namespace midair::host {

namespace fs = std::filesystem;

class ConfigTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ConfigTest);
  CPPUNIT_TEST(each_layer_wins_over_those_below_and_says_where_it_stands);
  CPPUNIT_TEST(a_bucket_name_becomes_an_address);
  CPPUNIT_TEST(nested_yaml_keys_are_joined_by_dots);
  CPPUNIT_TEST(credentials_can_be_kept_under_other_names);
  CPPUNIT_TEST(an_unknown_key_is_an_error_with_line_and_suggestion);
  CPPUNIT_TEST(a_value_that_does_not_parse_is_an_error_in_every_layer);
  CPPUNIT_TEST(a_secret_does_not_belong_in_midair_yaml_and_is_not_repeated);
  CPPUNIT_TEST(what_is_no_yaml_or_toml_is_an_error_with_its_line);
  CPPUNIT_TEST(only_named_files_must_be_there);
  CPPUNIT_TEST(an_empty_value_of_fly_toml_counts_as_unset);
  CPPUNIT_TEST(what_midair_does_not_read_is_not_judged);
  CPPUNIT_TEST(plugins_see_variables_of_the_environment_and_of_fly_toml);
  CPPUNIT_TEST(asking_for_an_undeclared_setting_is_a_bug);
  CPPUNIT_TEST_SUITE_END();

  using Variables = std::map<std::string, std::string>;

  static std::string write(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
    return path;
  }

  static ConfigFiles files(const std::string& yaml, const std::string& toml) {
    const TempDir dir;
    ConfigFiles files;
    files.yaml = read_midair_yaml(write(dir / "midair.yaml", yaml)).value();
    files.fly = read_fly_config(write(dir / "fly.toml", toml)).value();
    const std::string prefix = dir.path().string() + "/";
    for (auto& [key, value] : files.yaml) value.origin.erase(0, prefix.size());
    for (auto& [key, value] : files.fly.env) value.origin.erase(0, prefix.size());
    if (files.fly.app) files.fly.app->origin.erase(0, prefix.size());
    return files;
  }

  LayeredConfig config(Variables variables, ConfigFiles from) {
    return LayeredConfig(
        table_,
        [variables = std::move(variables)](const std::string& name) {
          const auto found = variables.find(name);
          return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        std::move(from));
  }

  static void expect(const LayeredConfig& config, const std::string& key, const std::string& text,
                     const std::string& origin) {
    const auto value = config.trace(key);
    CPPUNIT_ASSERT_MESSAGE(key, value.has_value());
    CPPUNIT_ASSERT_EQUAL(text, value->text);
    CPPUNIT_ASSERT_EQUAL(origin, value->origin);
  }

  static void expect_problem(const LayeredConfig& config, const std::string& sentence) {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(sentence, std::size_t{1}, config.problems().size());
    CPPUNIT_ASSERT_EQUAL(sentence, config.problems()[0].to_string());
  }

  void each_layer_wins_over_those_below_and_says_where_it_stands() {
    auto merged = config({{"AWS_REGION", "ams"}},
                         files("# settings\napp: from-yaml\nstore: file:///yaml\n",
                               "app = \"from-toml\"\n\n[env]\nAWS_REGION = \"fra\"\nFLY_IMAGE_REF = \"img:1\"\n"));
    expect(merged, "app", "from-yaml", "midair.yaml:2");
    expect(merged, "store", "file:///yaml", "midair.yaml:3");
    expect(merged, "region", "ams", "environment AWS_REGION");
    expect(merged, "image_ref", "img:1", "fly.toml:5 [env] FLY_IMAGE_REF");
    expect(merged, "endpoint", "https://t3.storage.dev", "default");
    CPPUNIT_ASSERT(!merged.trace("ca_file").has_value());
    CPPUNIT_ASSERT(merged.set_from_command_line("app", "--app", "from-line").ok());
    expect(merged, "app", "from-line", "command line");
    CPPUNIT_ASSERT(merged.problems().empty());
    expect(config({}, files("", "app = \"from-toml\"\n")), "app", "from-toml", "fly.toml:1 app");
  }

  void a_bucket_name_becomes_an_address() {
    expect(config({{"BUCKET_NAME", "b"}}, {}), "store", "s3://b", "environment BUCKET_NAME");
    expect(config({{"AWS_BUCKET", "b"}}, {}), "store", "s3://b", "environment AWS_BUCKET");
    expect(config({{"MIDAIR_STORE", "file:///d"}, {"BUCKET_NAME", "b"}}, {}), "store", "file:///d",
           "environment MIDAIR_STORE");
    expect(config({}, files("", "[env]\nBUCKET_NAME = 'b'\n")), "store", "s3://b", "fly.toml:2 [env] BUCKET_NAME");
  }

  void nested_yaml_keys_are_joined_by_dots() {
    CPPUNIT_ASSERT(table_.add({"hot.timeout", OptionKind::duration, "", {}, "5m"}).ok());
    expect(config({}, files("hot:\n  timeout: 90s\n", "")), "hot.timeout", "90s", "midair.yaml:2");
    expect(config({}, files("hot.timeout: 80s\n", "")), "hot.timeout", "80s", "midair.yaml:1");
    expect(config({}, {}), "hot.timeout", "5m", "default");
  }

  void credentials_can_be_kept_under_other_names() {
    const auto merged = config({{"TIGRIS_KEY", "k"}, {"AWS_ACCESS_KEY_ID", "other"}},
                               files("access_key_id_from: TIGRIS_KEY\nsecret_access_key_from: TIGRIS_SECRET\n", ""));
    expect(merged, "access_key_id", "k", "environment TIGRIS_KEY (access_key_id_from)");
    CPPUNIT_ASSERT(!merged.trace("secret_access_key").has_value());
  }

  void an_unknown_key_is_an_error_with_line_and_suggestion() {
    expect_problem(config({}, files("app: a\nstroe: file:///d\n", "")),
                   "cannot use midair.yaml:2: there is no setting 'stroe'. Try: store");
    expect_problem(config({}, files("hot:\n  timeout: 3\n", "")),
                   "cannot use midair.yaml:2: there is no setting 'hot.timeout'. "
                   "Try: midair config show lists all settings");
  }

  void a_value_that_does_not_parse_is_an_error_in_every_layer() {
    expect_problem(config({}, files("path_style: maybe\n", "")),
                   "cannot use midair.yaml:1: setting 'path_style': 'maybe' is neither true nor false");
    expect_problem(config({{"MIDAIR_LOG_LEVEL", "loud"}}, {}),
                   "cannot use environment MIDAIR_LOG_LEVEL: setting 'log_level': 'loud' is no log level. "
                   "Try: error, warning, notice, info or debug");
    expect_problem(config({}, files("", "[env]\nMIDAIR_STORE = 'nonsense'\n")),
                   "cannot use fly.toml:2 [env] MIDAIR_STORE: setting 'store': 'nonsense' is no store. "
                   "Try: s3://BUCKET[/PREFIX] or file:///DIR");
    auto merged = config({}, {});
    CPPUNIT_ASSERT_EQUAL(std::string("cannot use --store: 'x' is no store. Try: s3://BUCKET[/PREFIX] or file:///DIR"),
                         merged.set_from_command_line("store", "--store", "x").error().to_string());
    CPPUNIT_ASSERT(!read_midair_yaml("/nonexistent").ok());
  }

  void a_secret_does_not_belong_in_midair_yaml_and_is_not_repeated() {
    expect_problem(
        config({}, files("secret_access_key: hunter2\n", "")),
        "cannot use midair.yaml:1: 'secret_access_key' is a secret and doesn't belong in a file. Try: set the "
        "variable AWS_SECRET_ACCESS_KEY or name another variable with 'secret_access_key_from'");
    CPPUNIT_ASSERT(table_.add({"pin", OptionKind::integer, "", {"PIN"}, "", true}).ok());
    expect_problem(config({{"PIN", "hunter2"}}, {}),
                   "cannot use environment PIN: setting 'pin': its value doesn't suit");
  }

  void what_is_no_yaml_or_toml_is_an_error_with_its_line() {
    const TempDir dir;
    const auto yaml_error = [&](const std::string& text) {
      return read_midair_yaml(write(dir / "y", text)).error().message();
    };
    const auto toml_error = [&](const std::string& text) {
      return read_fly_config(write(dir / "t", text)).error().message();
    };
    const std::string y = "cannot use " + (dir / "y").string();
    const std::string t = "cannot use " + (dir / "t").string();
    CPPUNIT_ASSERT(yaml_error("app: a\n  b: [\n").starts_with(y + ":2: it is no YAML: "));
    CPPUNIT_ASSERT_EQUAL(y + ":1: settings are written 'key: value'", yaml_error("just text\n"));
    CPPUNIT_ASSERT_EQUAL(y + ":2: 'app' is given twice", yaml_error("app: a\napp: b\n"));
    CPPUNIT_ASSERT_EQUAL(y + ":1: 'app' is a list, but must be a single value", yaml_error("app: [a, b]\n"));
    CPPUNIT_ASSERT_EQUAL(y + ":1: 'app' has no value", yaml_error("app:\n"));
    CPPUNIT_ASSERT_EQUAL(y + ":2: 'c' is an alias of other settings; write them out",
                         yaml_error("a: &x {b: 1}\nc: *x\n"));
    CPPUNIT_ASSERT_EQUAL(y + ":2: 'a.b' is an alias of other settings; write them out", yaml_error("a: &x\n  b: *x\n"));
    CPPUNIT_ASSERT(toml_error("app = \"a\"\nb = \n").starts_with(t + ":2: it is no TOML: "));
    CPPUNIT_ASSERT_EQUAL(t + ":1: 'env' must be a table", toml_error("env = 3\n"));
  }

  void only_named_files_must_be_there() {
    const TempDir dir;
    CPPUNIT_ASSERT(read_config_files(std::nullopt).problems.empty());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_config_files(dir / "other.yaml").problems.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, read_config_files(dir / "fly.prod.toml").problems.size());
    write(dir / "fly.prod.toml", "app = \"prod\"\n");
    CPPUNIT_ASSERT_EQUAL(std::string("prod"), read_config_files(dir / "fly.prod.toml").fly.app->text);
    for (const char* name : {"fly.json", "fly.prod.yaml"}) {
      write(dir / name, "{\"app\": \"other\"}");
      CPPUNIT_ASSERT_EQUAL(std::string("other"), read_config_files(dir / name).fly.app->text);
    }
    write(dir / "other.yaml", "app: other\n");
    CPPUNIT_ASSERT_EQUAL(std::string("other"), read_config_files(dir / "other.yaml").yaml.at(0).second.text);
  }

  void plugins_see_variables_of_the_environment_and_of_fly_toml() {
    const auto merged = config({{"A", "environment"}}, files("", "[env]\nA = 'file'\nB = 'file'\n"));
    CPPUNIT_ASSERT_EQUAL(std::string("environment"), merged.env("A").value());
    CPPUNIT_ASSERT_EQUAL(std::string("file"), merged.env("B").value());
    CPPUNIT_ASSERT(!merged.env("C").has_value());
  }

  void an_empty_value_of_fly_toml_counts_as_unset() {
    const auto merged = config({}, files("", "[env]\nAWS_REGION = ''\nBUCKET_NAME = ''\nMIDAIR_LOG_LEVEL = ''\n"));
    CPPUNIT_ASSERT(merged.problems().empty());
    expect(merged, "region", "auto", "default");
    CPPUNIT_ASSERT(!merged.trace("store").has_value());
  }

  void what_midair_does_not_read_is_not_judged() {
    const auto merged = config({}, files("",
                                         "app = 5\n[[env]]\nSINCE = 2024-01-01\nHOSTS = ['a']\n[[env]]\n"
                                         "AWS_REGION = 'fra'\n[http_service]\nports = [{a = 1}]\n"));
    CPPUNIT_ASSERT(merged.problems().empty());
    CPPUNIT_ASSERT(!merged.trace("app").has_value());
    expect(merged, "region", "fra", "fly.toml:6 [env] AWS_REGION");
  }

  void asking_for_an_undeclared_setting_is_a_bug() {
    const auto merged = config({}, {});
    CPPUNIT_ASSERT_THROW(static_cast<void>(merged.get("undeclared")), std::logic_error);
  }

  SettingTable table_;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ConfigTest, "config");

}  // namespace midair::host
