#include <cppunit/extensions/HelperMacros.h>

#include "midair/durable_file.h"
#include "result_asserts.h"
#include "state/journal.h"
#include "state/marker.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class StateFilesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StateFilesTest);
  CPPUNIT_TEST(what_is_not_there_is_no_error);
  CPPUNIT_TEST(a_marker_comes_back_as_it_was_written);
  CPPUNIT_TEST(a_journal_entry_comes_back_as_it_was_written);
  CPPUNIT_TEST(removed_means_gone);
  CPPUNIT_TEST(every_torn_file_is_reported);
  CPPUNIT_TEST(garbage_is_reported);
  CPPUNIT_TEST(a_newer_format_is_refused);
  CPPUNIT_TEST(the_oldest_format_in_the_field_is_read);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  fs::path file_ = temp_ / "file.json";
  const std::string digest_ = std::string(64, 'a');

  [[nodiscard]] Marker marker() const {
    return {
        {"1.2", digest_, "registry.fly.io/app:deployment-01ABC", "registry.fly.io/app:base", 9'007'199'254'740'991ULL},
        "2026-11-20T21:09:25Z"};
  }
  [[nodiscard]] JournalEntry entry() const {
    return {{"1.2", digest_, "ref \"quoted\"", "base", 7}, "01ABC", "migrated", "2026-11-20T21:09:25Z", true};
  }

  void what_is_not_there_is_no_error() {
    CPPUNIT_ASSERT(!value_of(read_marker(file_)));
    CPPUNIT_ASSERT(!value_of(read_journal(file_)));
    assert_ok(remove_marker(file_));
    assert_ok(clear_journal(file_));
  }

  void a_marker_comes_back_as_it_was_written() {
    assert_ok(write_marker(file_, marker()));
    const auto read = value_of(read_marker(file_));
    CPPUNIT_ASSERT(read);
    CPPUNIT_ASSERT_EQUAL(marker().version, read->version);
    CPPUNIT_ASSERT_EQUAL(marker().digest, read->digest);
    CPPUNIT_ASSERT_EQUAL(marker().hot_ref, read->hot_ref);
    CPPUNIT_ASSERT_EQUAL(marker().base_image_ref, read->base_image_ref);
    CPPUNIT_ASSERT_EQUAL(marker().committed_at, read->committed_at);
    CPPUNIT_ASSERT_EQUAL(marker().sequence, read->sequence);
  }

  void a_journal_entry_comes_back_as_it_was_written() {
    assert_ok(write_journal(file_, entry()));
    const auto read = value_of(read_journal(file_));
    CPPUNIT_ASSERT(read);
    CPPUNIT_ASSERT_EQUAL(entry().upgrade_id, read->upgrade_id);
    CPPUNIT_ASSERT_EQUAL(entry().version, read->version);
    CPPUNIT_ASSERT_EQUAL(entry().digest, read->digest);
    CPPUNIT_ASSERT_EQUAL(entry().hot_ref, read->hot_ref);
    CPPUNIT_ASSERT_EQUAL(entry().base_image_ref, read->base_image_ref);
    CPPUNIT_ASSERT_EQUAL(entry().state, read->state);
    CPPUNIT_ASSERT_EQUAL(entry().started_at, read->started_at);
    CPPUNIT_ASSERT_EQUAL(entry().sequence, read->sequence);
    CPPUNIT_ASSERT(read->switched);
  }

  void removed_means_gone() {
    assert_ok(write_marker(file_, marker()));
    assert_ok(remove_marker(file_));
    CPPUNIT_ASSERT(!value_of(read_marker(file_)));
    assert_ok(write_journal(file_, entry()));
    assert_ok(clear_journal(file_));
    CPPUNIT_ASSERT(!value_of(read_journal(file_)));
  }

  void every_torn_file_is_reported() {
    assert_ok(write_journal(file_, entry()));
    const std::string whole = value_of(read_file(file_, 10'000));
    CPPUNIT_ASSERT_EQUAL('\n', whole.back());
    for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
      assert_ok(write_file_durably(file_, whole.substr(0, length)));
      assert_fails(read_journal(file_), Errc::corrupt);
    }
  }

  void garbage_is_reported() {
    const std::string head = R"({"format":1,"digest":)";
    for (const std::string& text :
         {std::string(100, '\0'), std::string("[]"), std::string("{}"), std::string(R"({"format":"1"})"),
          std::string(R"({"format":1})"), head + "\"short\"}", std::string(70'000, ' ')}) {
      assert_ok(write_file_durably(file_, text));
      assert_fails(read_marker(file_), Errc::corrupt);
      assert_fails(read_journal(file_), Errc::corrupt);
    }
    assert_ok(write_marker(file_, Marker{{"1", "no digest", "", "", 0}, ""}));
    assert_fails(read_marker(file_), Errc::corrupt, "digest");
  }

  void a_newer_format_is_refused() {
    assert_ok(write_file_durably(file_, R"({"format":2,"whatever":[]})"));
    assert_fails(read_marker(file_), Errc::refused, "format 2");
    assert_fails(read_journal(file_), Errc::refused, "format 2");
  }

  void the_oldest_format_in_the_field_is_read() {
    const std::string common = R"("version":"1","digest":")" + digest_ + R"(","hot_ref":"h","base_image_ref":"b",)";
    assert_ok(write_file_durably(file_, R"({"format":1,)" + common + R"("committed_at":"t","sequence":3})"));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, value_of(read_marker(file_))->sequence);
    assert_ok(write_file_durably(file_, R"({"format":1,)" + common +
                                            R"("upgrade_id":"u","state":"staged","started_at":"t",)"
                                            R"("sequence":3,"switched":false})"));
    CPPUNIT_ASSERT_EQUAL(std::string("staged"), value_of(read_journal(file_))->state);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StateFilesTest, "state_files");

}  // namespace midair::sidecar
