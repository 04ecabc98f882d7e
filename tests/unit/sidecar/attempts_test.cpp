#include "state/attempts.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class AttemptsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AttemptsTest);
  CPPUNIT_TEST(a_try_is_on_disk_before_it_is_made);
  CPPUNIT_TEST(a_try_that_cannot_be_counted_must_not_be_made);
  CPPUNIT_TEST(quarantine_survives_a_restart);
  CPPUNIT_TEST(quarantine_holds_without_a_disk);
  CPPUNIT_TEST(it_is_known_what_a_quarantine_followed);
  CPPUNIT_TEST(a_reason_of_any_bytes_can_be_kept);
  CPPUNIT_TEST(one_is_forgotten_and_the_others_are_kept);
  CPPUNIT_TEST(all_are_forgotten_when_one_is_committed);
  CPPUNIT_TEST(the_oldest_go_when_there_are_too_many);
  CPPUNIT_TEST(an_unreadable_file_means_no_tries);
  CPPUNIT_TEST(no_count_wraps_round_to_no_tries);
  CPPUNIT_TEST(bad_starts_are_remembered_up_to_their_limit);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  fs::path file_ = temp_ / "attempts.json";

  void a_try_is_on_disk_before_it_is_made() {
    Attempts attempts = Attempts::load(file_);
    CPPUNIT_ASSERT_EQUAL(0U, attempts.count("A"));
    assert_ok(attempts.begin("A"));
    CPPUNIT_ASSERT_EQUAL(1U, Attempts::load(file_).count("A"));
    assert_ok(attempts.begin("A"));
    assert_ok(attempts.begin("B"));
    CPPUNIT_ASSERT_EQUAL(2U, attempts.count("A"));
    CPPUNIT_ASSERT_EQUAL(2U, Attempts::load(file_).count("A"));
    CPPUNIT_ASSERT_EQUAL(1U, Attempts::load(file_).count("B"));
  }

  void a_try_that_cannot_be_counted_must_not_be_made() {
    Attempts attempts = Attempts::load(temp_ / "missing/attempts.json");
    CPPUNIT_ASSERT(!attempts.begin("A").ok());
    CPPUNIT_ASSERT_EQUAL(0U, attempts.count("A"));
  }

  void quarantine_survives_a_restart() {
    Attempts attempts = Attempts::load(file_);
    CPPUNIT_ASSERT(!attempts.refused("A"));
    assert_ok(attempts.refuse("A", "it crashed \"twice\""));
    CPPUNIT_ASSERT_EQUAL(std::string("it crashed \"twice\""), *Attempts::load(file_).refused("A"));
    CPPUNIT_ASSERT(!Attempts::load(file_).refused("B"));
  }

  void quarantine_holds_without_a_disk() {
    Attempts attempts = Attempts::load(temp_ / "missing/attempts.json");
    CPPUNIT_ASSERT(!attempts.refuse("A", "why").ok());
    CPPUNIT_ASSERT_EQUAL(std::string("why"), *attempts.refused("A"));
  }

  void it_is_known_what_a_quarantine_followed() {
    Attempts attempts = Attempts::load(file_);
    assert_ok(attempts.refuse("A", "why", Attempts::After::roll_back));
    assert_ok(attempts.refuse("B", "why"));
    const Attempts again = Attempts::load(file_);
    CPPUNIT_ASSERT(again.was_rolled_back("A") && !again.was_rolled_back("B") && !again.was_rolled_back("C"));
  }

  void a_reason_of_any_bytes_can_be_kept() {
    Attempts attempts = Attempts::load(file_);
    for (int i = 0; i < 32; ++i) assert_ok(attempts.refuse(std::to_string(i), "\xff\n" + std::string(100'000, 'x')));
    const auto reason = Attempts::load(file_).refused("0");
    CPPUNIT_ASSERT(reason);
    CPPUNIT_ASSERT_EQUAL(std::string("  xx"), reason->substr(0, 4));
  }

  void one_is_forgotten_and_the_others_are_kept() {
    Attempts attempts = Attempts::load(file_);
    assert_ok(attempts.refuse("A", "why"));
    assert_ok(attempts.begin("B"));
    assert_ok(attempts.forget("B"));
    CPPUNIT_ASSERT(Attempts::load(file_).refused("A"));
    CPPUNIT_ASSERT_EQUAL(0U, Attempts::load(file_).count("B"));
  }

  void all_are_forgotten_when_one_is_committed() {
    Attempts attempts = Attempts::load(file_);
    assert_ok(attempts.refuse("A", "why"));
    assert_ok(attempts.begin("B"));
    assert_ok(attempts.forget_all_but("A"));
    CPPUNIT_ASSERT(Attempts::load(file_).refused("A"));
    CPPUNIT_ASSERT_EQUAL(0U, Attempts::load(file_).count("B"));
    assert_ok(attempts.forget_all_but(""));
    CPPUNIT_ASSERT(!Attempts::load(file_).refused("A"));
  }

  void the_oldest_go_when_there_are_too_many() {
    Attempts attempts = Attempts::load(file_);
    for (int i = 0; i < 33; ++i) assert_ok(attempts.begin(std::to_string(i)));
    CPPUNIT_ASSERT_EQUAL(0U, Attempts::load(file_).count("0"));
    CPPUNIT_ASSERT_EQUAL(1U, Attempts::load(file_).count("1"));
    CPPUNIT_ASSERT_EQUAL(1U, Attempts::load(file_).count("32"));
  }

  void an_unreadable_file_means_no_tries() {
    for (const char* text : {"", "nonsense", "{}", R"({"format":9})", R"({"format":1,"attempts":{}})",
                             R"({"format":1,"attempts":[1]})", R"({"format":1,"attempts":[{"upgrade_id":"A"}]})"}) {
      assert_ok(write_file_durably(file_, text));
      Attempts attempts = Attempts::load(file_);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 0U, attempts.count("A"));
      assert_ok(attempts.begin("A"));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 1U, Attempts::load(file_).count("A"));
    }
  }

  void bad_starts_are_remembered_up_to_their_limit() {
    for (unsigned start = 0; start < Attempts::kMaxBadStarts; ++start) assert_ok(Attempts::load(file_).begin("A"));
    CPPUNIT_ASSERT(Attempts::load(file_).count("A") >= Attempts::kMaxBadStarts);
  }

  void no_count_wraps_round_to_no_tries() {
    for (const char* count : {"4294967295", "4294967296", "9007199254740991"}) {
      assert_ok(write_file_durably(
          file_, std::string(R"({"attempts":[{"count":)") + count + R"(,"upgrade_id":"A"}],"format":1})"));
      Attempts attempts = Attempts::load(file_);
      CPPUNIT_ASSERT_MESSAGE(count, attempts.count("A") >= Attempts::kMaxAttempts);
      assert_ok(attempts.begin("A"));
      CPPUNIT_ASSERT_MESSAGE(count, attempts.count("A") > Attempts::kMaxAttempts);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(AttemptsTest, "attempts");

}  // namespace midair::sidecar
