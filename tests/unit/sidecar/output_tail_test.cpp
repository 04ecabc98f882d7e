#include "output/output_tail.h"

#include <cppunit/extensions/HelperMacros.h>

#include <numeric>

#include "output/line_labels.h"

namespace midair::sidecar {

using Lines = std::vector<std::string>;

class OutputTailTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(OutputTailTest);
  CPPUNIT_TEST(keeps_the_last_forty_lines);
  CPPUNIT_TEST(a_line_may_come_in_pieces_beside_another_stream);
  CPPUNIT_TEST(what_has_no_end_yet_comes_last);
  CPPUNIT_TEST(secrets_and_what_steers_a_terminal_are_replaced);
  CPPUNIT_TEST(all_lines_together_have_sixteen_kibibytes);
  CPPUNIT_TEST(a_secret_is_not_shown_where_its_line_was_cut);
  CPPUNIT_TEST(a_line_without_end_is_bounded);
  CPPUNIT_TEST(labels_stand_before_whole_lines);
  CPPUNIT_TEST(a_line_that_is_held_too_long_is_let_go);
  CPPUNIT_TEST_SUITE_END();

  OutputTail tail_;

  static std::string numbered(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += "line " + std::to_string(i) + "\n";
    return text;
  }

  void keeps_the_last_forty_lines() {
    tail_.add(0, "before ");
    tail_.add(0, numbered(1, 5000));
    tail_.add(0, numbered(5001, 5002));
    const Lines lines = tail_.lines();
    CPPUNIT_ASSERT_EQUAL(std::size_t{40}, lines.size());
    CPPUNIT_ASSERT_EQUAL(std::string("line 4963"), lines.front());
    CPPUNIT_ASSERT_EQUAL(std::string("line 5002"), lines.back());
  }

  void a_line_may_come_in_pieces_beside_another_stream() {
    tail_.add(0, "one ");
    tail_.add(1, "error\n");
    tail_.add(0, "two\r\nthree\n");
    CPPUNIT_ASSERT((Lines{"error", "one two", "three"} == tail_.lines()));
  }

  void what_has_no_end_yet_comes_last() {
    tail_.add(1, "Segmentation fault");
    tail_.add(0, "serving\n");
    CPPUNIT_ASSERT((Lines{"serving", "Segmentation fault"} == tail_.lines()));
  }

  void secrets_and_what_steers_a_terminal_are_replaced() {
    tail_.add(0, "\x1b[31mFLY_API_TOKEN=fm2_abcdef\x1b[0m\tpostgres://user:secret@db/x\n");
    CPPUNIT_ASSERT((Lines{"?[31mFLY_API_TOKEN=fm2_***?[0m\tpostgres://user:***@db/x"} == tail_.lines()));
  }

  void all_lines_together_have_sixteen_kibibytes() {
    for (int i = 0; i < 40; ++i) tail_.add(0, std::string(1000, static_cast<char>('A' + i % 26)) + "\n");
    const Lines lines = tail_.lines();
    const std::size_t bytes = std::accumulate(lines.begin(), lines.end(), std::size_t{0},
                                              [](std::size_t sum, const auto& line) { return sum + line.size(); });
    CPPUNIT_ASSERT(bytes <= OutputTail::kMaxBytes);
    CPPUNIT_ASSERT(bytes > OutputTail::kMaxBytes - 1001);
    CPPUNIT_ASSERT_EQUAL('N', lines.back().front());  // the last that was written
  }

  void a_secret_is_not_shown_where_its_line_was_cut() {
    tail_.add(0, std::string(4070, 'x') + " postgres://user:" + std::string(60, 's') + "@db/x\n");
    CPPUNIT_ASSERT_EQUAL(std::string::npos, tail_.lines().front().find("sss"));
    tail_.add(0, std::string(100'000, ' ') + "Bearer 0123456789abcdef0123456789\n");
    CPPUNIT_ASSERT_EQUAL(std::string::npos, tail_.lines().back().find("0123"));
  }

  void a_line_without_end_is_bounded() {
    for (int i = 0; i < 100; ++i) tail_.add(0, "a word " + std::string(10'000, 'x'));
    CPPUNIT_ASSERT((Lines{"a word ..."} == tail_.lines()));
  }

  void labels_stand_before_whole_lines() {
    LineLabels labels("[v2 #3] ");
    CPPUNIT_ASSERT_EQUAL(std::string("[v2 #3] one\n"), labels.add("one\ntw"));
    CPPUNIT_ASSERT_EQUAL(std::string("[v2 #3] two\n[v2 #3] \n"), labels.add("o\n\n"));
    CPPUNIT_ASSERT_EQUAL(std::string(), labels.end());
    CPPUNIT_ASSERT_EQUAL(std::string(), labels.add("three"));
    CPPUNIT_ASSERT_EQUAL(std::string("[v2 #3] three\n"), labels.end());
  }

  void a_line_that_is_held_too_long_is_let_go() {
    LineLabels labels("> ");
    const std::string much(LineLabels::kMaxHeldBytes, 'x');
    CPPUNIT_ASSERT_EQUAL("> " + much + "\n", labels.add(much));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(OutputTailTest, "output_tail");

}  // namespace midair::sidecar
