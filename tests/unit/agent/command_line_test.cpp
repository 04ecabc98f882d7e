#include "cli/command_line.h"

#include <cppunit/extensions/HelperMacros.h>

#include "cli/invocation.h"
#include "cli/terminal_console.h"
#include "config/config.h"

namespace midair::host {

class CommandLineTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CommandLineTest);
  CPPUNIT_TEST(global_options_stand_before_and_after_the_command);
  CPPUNIT_TEST(the_first_pass_leaves_the_commands_options_alone);
  CPPUNIT_TEST(a_repeatable_option_keeps_every_value_and_takes_one_each);
  CPPUNIT_TEST(a_command_may_have_a_version_option_of_its_own);
  CPPUNIT_TEST(an_unknown_option_is_named_with_the_nearest);
  CPPUNIT_TEST(values_are_checked_by_kind);
  CPPUNIT_TEST(a_value_is_one_of_those_that_are_listed);
  CPPUNIT_TEST(a_double_dash_ends_the_options);
  CPPUNIT_TEST(an_option_is_given_once_and_with_its_value);
  CPPUNIT_TEST(arguments_are_only_taken_by_commands_that_want_them);
  CPPUNIT_TEST(an_invocation_falls_back_to_setting_and_default);
  CPPUNIT_TEST(a_required_option_may_come_from_its_setting);
  CPPUNIT_TEST(a_command_of_a_group_is_named_by_two_words);
  CPPUNIT_TEST(a_command_that_contradicts_itself_is_refused);
  CPPUNIT_TEST(a_group_is_there_before_its_commands);
  CPPUNIT_TEST_SUITE_END();

  using Args = std::vector<std::string>;

  static CommandSpec hot() {
    return {"hot",
            "upgrade",
            "",
            {{"from", OptionKind::text, "DIR", "", "", "", true},
             {"timeout", OptionKind::duration, "TIME", "", "hot.timeout", "5m"},
             {"count", OptionKind::integer, "N", ""},
             {"force", OptionKind::flag, "", ""},
             {"strategy", OptionKind::text, "S", "", "", "", false, {"handover", "in-place"}}},
            "[KEY...]",
            {},
            [](Invocation&) { return 0; }};
  }

  static std::string failure(const Args& args, const CommandSpec& command) {
    return parse_command_line(args, command).error().to_string();
  }

  void global_options_stand_before_and_after_the_command() {
    const auto line = parse_command_line({"--app", "a", "hot", "--from", "d", "--json", "--store=file:///s"}, hot());
    CPPUNIT_ASSERT_EQUAL(std::string("hot"), line->command);
    CPPUNIT_ASSERT_EQUAL(std::string("a"), line->text("app").value());
    CPPUNIT_ASSERT_EQUAL(std::string("d"), line->text("from").value());
    CPPUNIT_ASSERT_EQUAL(std::string("file:///s"), line->text("store").value());
    CPPUNIT_ASSERT(line->flag("json") && !line->flag("force"));
    CPPUNIT_ASSERT(line->arguments.empty());
  }

  void the_first_pass_leaves_the_commands_options_alone() {
    const auto line = parse_global_options({"--app", "hot", "hot", "--whatever", "x", "--json", "-h"});
    CPPUNIT_ASSERT_EQUAL(std::string("hot"), line->command);
    CPPUNIT_ASSERT_EQUAL(std::string("hot"), line->text("app").value());
    CPPUNIT_ASSERT(line->flag("json") && line->flag("help"));
    CPPUNIT_ASSERT(parse_global_options({})->command.empty());
  }

  void a_repeatable_option_keeps_every_value_and_takes_one_each() {
    const auto line = parse_global_options({"--plugin-dir", "a", "hot", "--plugin-dir", "b"});
    CPPUNIT_ASSERT(line->texts.at("plugin-dir") == (Args{"a", "b"}));
    CPPUNIT_ASSERT_EQUAL(std::string("hot"), line->command);
  }

  void a_command_may_have_a_version_option_of_its_own() {
    auto command = hot();
    command.options.push_back({"version", OptionKind::text, "V", ""});
    for (const Args& args : {Args{"hot", "--version", "v2"}, Args{"hot", "--version=v2"}}) {
      CPPUNIT_ASSERT_EQUAL(std::string("hot"), parse_global_options(args)->command);
      const auto line = parse_command_line(args, command);
      CPPUNIT_ASSERT_EQUAL(std::string("v2"), line->text("version").value());
      CPPUNIT_ASSERT(!line->flag("version"));
    }
    CPPUNIT_ASSERT(parse_command_line({"hot", "--version"}, hot())->flag("version"));
    CPPUNIT_ASSERT(parse_global_options({"--version"})->flag("version"));
  }

  void an_unknown_option_is_named_with_the_nearest() {
    CPPUNIT_ASSERT_EQUAL(std::string("cannot understand --form: midair hot has no such option. Try: --from"),
                         failure({"hot", "--form", "d"}, hot()));
    CPPUNIT_ASSERT_EQUAL(std::string("cannot understand --xyzzy: midair hot has no such option. Try: midair help hot"),
                         failure({"hot", "--xyzzy=1"}, hot()));
    CPPUNIT_ASSERT(parse_global_options({"--jsom", "hot"}).error().hint == "--json");
  }

  void values_are_checked_by_kind() {
    CPPUNIT_ASSERT_EQUAL(std::string("cannot understand --count: 'few' is no integer"),
                         failure({"hot", "--count", "few"}, hot()));
    CPPUNIT_ASSERT(failure({"hot", "--timeout", "5x"}, hot()).find("'5x' is no duration") != std::string::npos);
    CPPUNIT_ASSERT(parse_command_line({"hot", "--count", "-3", "--timeout", "5s"}, hot()).ok());
  }

  void a_value_is_one_of_those_that_are_listed() {
    CPPUNIT_ASSERT(parse_command_line({"hot", "--strategy", "in-place"}, hot()).ok());
    CPPUNIT_ASSERT_EQUAL(std::string("cannot understand --strategy: 'inplace' is none of handover, in-place. "
                                     "Try: --strategy in-place"),
                         failure({"hot", "--strategy", "inplace"}, hot()));
    CPPUNIT_ASSERT(!parse_command_line({"hot", "--strategy="}, hot()).ok());
    CPPUNIT_ASSERT(!parse_command_line({"hot", "--log-level", "loud"}, hot()).ok());
  }

  void a_double_dash_ends_the_options() {
    const auto line = parse_command_line({"hot", "--from", "d", "--", "--json", "key"}, hot());
    CPPUNIT_ASSERT(line->arguments == (Args{"--json", "key"}));
    CPPUNIT_ASSERT(!line->flag("json"));
    CPPUNIT_ASSERT(!parse_global_options({"hot", "--", "--json"})->flag("json"));
  }

  void an_option_is_given_once_and_with_its_value() {
    CPPUNIT_ASSERT(!parse_command_line({"hot", "--from", "a", "--from", "b"}, hot()).ok());
    CPPUNIT_ASSERT(!parse_command_line({"hot", "--from"}, hot()).ok());
    CPPUNIT_ASSERT(!parse_command_line({"hot", "--from", "--json"}, hot()).ok());
    CPPUNIT_ASSERT(!parse_global_options({"hot", "--config"}).ok());
    CPPUNIT_ASSERT(!parse_command_line({"--from", "hot"}, hot()).ok());
  }

  void arguments_are_only_taken_by_commands_that_want_them() {
    CPPUNIT_ASSERT(parse_command_line({"hot", "a", "b"}, hot())->arguments == (Args{"a", "b"}));
    CommandSpec without = hot();
    without.arguments.clear();
    CPPUNIT_ASSERT_EQUAL(std::string("cannot understand 'a': midair hot takes no arguments. Try: midair help hot"),
                         failure({"hot", "a"}, without));
  }

  void an_invocation_falls_back_to_setting_and_default() {
    SettingTable table;
    CPPUNIT_ASSERT(table.add({"hot.timeout", OptionKind::duration, "", {"HOT_TIMEOUT"}}).ok());
    std::optional<std::string> variable;
    const LayeredConfig config(
        table, [&](const std::string& name) { return name == "HOT_TIMEOUT" ? variable : std::nullopt; }, {});
    TerminalConsole console({}, [] {});
    const CommandSpec command = hot();
    const CommandLine line = parse_command_line({"hot", "--count", "7"}, command).value();
    const ParsedInvocation invocation(command, line, config, console, {});
    CPPUNIT_ASSERT(invocation.duration("timeout") == std::chrono::minutes(5));
    variable = "3s";
    CPPUNIT_ASSERT(invocation.duration("timeout") == std::chrono::seconds(3));
    CPPUNIT_ASSERT(invocation.integer("count") == 7);
    CPPUNIT_ASSERT(!invocation.flag("force") && !invocation.text("from"));
    CPPUNIT_ASSERT_THROW(static_cast<void>(invocation.text("nonsense")), std::logic_error);
  }

  void a_required_option_may_come_from_its_setting() {
    SettingTable table;
    CPPUNIT_ASSERT(table.add({"hot.from", OptionKind::text, "", {}, "build"}).ok());
    const LayeredConfig config(table, [](const std::string&) { return std::nullopt; }, {});
    TerminalConsole console({}, [] {});
    CommandSpec command = hot();
    const CommandLine line = parse_command_line({"hot"}, command).value();
    CPPUNIT_ASSERT_EQUAL(std::string("cannot run midair hot: --from is missing. Try: midair help hot"),
                         ParsedInvocation(command, line, config, console, {}).check_required().error().to_string());
    command.options[0].config_key = "hot.from";
    CPPUNIT_ASSERT(ParsedInvocation(command, line, config, console, {}).check_required().ok());
  }

  void a_command_of_a_group_is_named_by_two_words() {
    CommandSpec command = hot();
    command.name = "engine heat";
    const auto line = parse_command_line({"engine", "--json", "heat", "--from", "d", "a"}, command);
    CPPUNIT_ASSERT_EQUAL(std::string("engine heat"), line->command);
    CPPUNIT_ASSERT(line->flag("json") && line->arguments == Args{"a"});
    CPPUNIT_ASSERT(!parse_command_line({"engine", "--from", "heat"}, command).ok());
    const auto globals = parse_global_options({"--json", "engine", "--app", "x", "heat", "a"});
    CPPUNIT_ASSERT_EQUAL(std::string("engine"), globals->command);
    CPPUNIT_ASSERT(globals->arguments == (Args{"heat", "a"}));
  }

  void a_group_is_there_before_its_commands() {
    const SettingTable settings;
    CommandTable table;
    CommandSpec command{"engine heat", "", "", {}, "", {}, [](Invocation&) { return 0; }};
    CPPUNIT_ASSERT_EQUAL(std::string("cannot add the command engine heat: there is no group 'engine'"),
                         table.add("p", command, settings).error().to_string());
    CPPUNIT_ASSERT(table.add("p", {"engine", "", "", {}, "", {}, {}}, settings).ok());
    CPPUNIT_ASSERT(table.add("p", command, settings).ok());
    CPPUNIT_ASSERT(is_group(*table.find("engine")) && !is_group(*table.find("engine heat")));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, members_of("", table.all()).size());
    command.name = "engine heat slowly";
    CPPUNIT_ASSERT(table.add("p", command, settings).error().code == Errc::bug);
    CPPUNIT_ASSERT(table.add("p", {"engine cool", "", "", {}, "", {}, {}}, settings).error().code == Errc::bug);
  }

  void a_command_that_contradicts_itself_is_refused() {
    SettingTable settings;
    CommandTable table;
    CPPUNIT_ASSERT(!table.add("p", hot(), settings).ok());  // nobody declared hot.timeout
    CPPUNIT_ASSERT(settings.add({"hot.timeout", OptionKind::duration, ""}).ok());
    CPPUNIT_ASSERT(table.add("p", hot(), settings).ok());
    CPPUNIT_ASSERT(table.add("q", hot(), settings).error().code == Errc::refused);
    for (const auto& spoil : std::vector<std::function<void(CommandSpec&)>>{
             [](CommandSpec& spec) { spec.name = "Hot Upgrade"; },
             [](CommandSpec& spec) { spec.run = nullptr; },
             [](CommandSpec& spec) {
               spec.options.push_back({"json", OptionKind::flag, "", ""});
             },
             [](CommandSpec& spec) {
               spec.options.push_back({"from", OptionKind::text, "X", ""});
             },
             [](CommandSpec& spec) { spec.options[2].fallback = "many"; },
         }) {
      CommandSpec spoilt = hot();
      spoilt.name = "spoilt";
      spoil(spoilt);
      CPPUNIT_ASSERT(table.add("p", spoilt, settings).error().code == Errc::bug);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(CommandLineTest, "command_line");

}  // namespace midair::host
