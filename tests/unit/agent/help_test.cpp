#include "cli/help.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::host {

class HelpTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HelpTest);
  CPPUNIT_TEST(usage_names_what_is_required);
  CPPUNIT_TEST(a_page_has_description_options_and_examples);
  CPPUNIT_TEST(a_groups_page_lists_its_commands_and_the_general_one_only_the_group);
  CPPUNIT_TEST(long_descriptions_are_wrapped_and_their_own_breaks_kept);
  CPPUNIT_TEST_SUITE_END();

  static CommandSpec hot() {
    return {"hot",
            "upgrade",
            "What it does.",
            {{"from", OptionKind::text, "DIR", "the directory", "", "", true},
             {"timeout", OptionKind::duration, "TIME", "how long", "hot.timeout", "5m"}},
            "[KEY]",
            {{"midair hot --from d", "publishes d"}},
            [](Invocation&) { return 0; }};
  }

  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  void usage_names_what_is_required() {
    CPPUNIT_ASSERT_EQUAL(std::string("midair hot --from DIR [OPTIONS] [KEY]"), usage_of(hot()));
  }

  void a_page_has_description_options_and_examples() {
    const std::string page = help_of(hot(), {});
    CPPUNIT_ASSERT(contains(page, "\nWhat it does.\n"));
    CPPUNIT_ASSERT(contains(page, "  --timeout TIME  how long (default: 5m) [setting hot.timeout]\n"));
    CPPUNIT_ASSERT(contains(page, "  midair hot --from d\n      publishes d\n"));
  }

  void a_groups_page_lists_its_commands_and_the_general_one_only_the_group() {
    const CommandSpec group{"engine", "what drives it", "", {}, "", {}, {}};
    CommandSpec member = hot();
    member.name = "engine heat";
    const std::string page = help_of(group, {&group, &member});
    CPPUNIT_ASSERT(contains(page, "Usage: midair engine COMMAND [OPTIONS] [ARGUMENTS]\n"));
    CPPUNIT_ASSERT(contains(page, "\nCommands:\n  heat  upgrade\n"));
    const std::string general = general_help({&group, &member});
    CPPUNIT_ASSERT(contains(general, "  engine  what drives it\n") && !contains(general, "heat"));
  }

  void long_descriptions_are_wrapped_and_their_own_breaks_kept() {
    CommandSpec command = hot();
    const std::string word(39, 'w');
    command.description = word + " " + word + " " + word + "\n\nnext";
    CPPUNIT_ASSERT(contains(help_of(command, {}), "\n" + word + " " + word + "\n" + word + "\n\nnext\n"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HelpTest, "help");

}  // namespace midair::host
