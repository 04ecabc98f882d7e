#include "midair/manual/man_page.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::manual {

class ManPageTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ManPageTest);
  CPPUNIT_TEST(the_programs_page_names_its_commands_options_and_sections);
  CPPUNIT_TEST(a_commands_page_has_usage_options_and_examples);
  CPPUNIT_TEST(a_groups_page_holds_its_commands);
  CPPUNIT_TEST(a_whole_page_holds_all_commands);
  CPPUNIT_TEST(no_text_is_taken_for_a_macro_or_an_escape);
  CPPUNIT_TEST_SUITE_END();

  static Program program() {
    return {"tool",
            "1.2.3",
            "do things",
            "It does things.\n\nAnd others.",
            {{"app", "APP", "the app", "", "setting app"}},
            {{"engine", "what drives it", "", {}, "", {}, true},
             {"engine heat",
              "make it warm",
              "",
              {{"to", "DEGREES", "how warm", "20"}},
              "",
              {{"tool engine heat", "heats"}}},
             {"go",
              "go there",
              ".start of a line\n'another one",
              {{"how", "WAY", "which way", "", "", {"near", "far"}, true}},
              "PLACE",
              {{"tool go --how near home", "goes home"}}}},
            {{"EXIT STATUS", "", {{"0", "done"}}}}};
  }

  static void expect(const std::string& page, const std::string& part) {
    CPPUNIT_ASSERT_MESSAGE(part + " is missing in:\n" + page, page.find(part) != std::string::npos);
  }

  void the_programs_page_names_its_commands_options_and_sections() {
    const std::string page = program_page(program());
    expect(page, ".TH \"TOOL\" 1 \"\" \"tool 1.2.3\" \"User Commands\"\n.SH NAME\ntool \\- do things\n");
    expect(page, "It does things.\n.PP\nAnd others.\n");
    expect(page, ".TP\n.B \"go\"\ngo there\n");
    expect(page, ".TP\n.B \"\\-\\-app APP\"\nthe app [setting app]\n");
    expect(page, ".SH \"EXIT STATUS\"\n.TP\n.B \"0\"\ndone\n");
    expect(page, ".BR tool\\-engine (1),\n.BR tool\\-go (1)\n");
    CPPUNIT_ASSERT(page.find("heat") == std::string::npos);
  }

  void a_commands_page_has_usage_options_and_examples() {
    const std::string page = command_page(program().commands[2], program());
    expect(page, ".SH NAME\ntool\\-go \\- go there\n");
    expect(page, ".B \"tool go \\-\\-how WAY [OPTIONS] PLACE\"\n");
    expect(page, ".B \"\\-\\-how WAY\"\nwhich way: near, far\n");
    expect(page, ".SH \"EXAMPLES\"\n.TP\n.B \"tool go \\-\\-how near home\"\ngoes home\n");
    expect(page, ".SH \"OPTIONS OF EVERY COMMAND\"\n.TP\n.B \"\\-\\-app APP\"\n");
    expect(page, ".BR tool (1)\n");
  }

  void a_groups_page_holds_its_commands() {
    const std::string page = command_page(program().commands[0], program());
    expect(page, ".B \"tool engine COMMAND [OPTIONS] [ARGUMENTS]\"\n");
    expect(page, ".SS \"engine heat\"\n");
    expect(page, "how warm (default: 20)\n");
  }

  void a_whole_page_holds_all_commands() {
    const std::string page = whole_page(program());
    expect(page, ".SS \"engine heat\"\n");
    expect(page, ".SS \"go\"\n");
  }

  void no_text_is_taken_for_a_macro_or_an_escape() {
    CPPUNIT_ASSERT_EQUAL(std::string("\\&.so /etc/passwd\n\\&'br\nC:\\edir"),
                         troff_text(".so /etc/passwd\n'br\nC:\\dir"));
    expect(command_page(program().commands[2], program()), "\\&.start of a line\n.br\n\\&'another one\n");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ManPageTest, "man_page");

}  // namespace midair::manual
