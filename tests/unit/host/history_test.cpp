#include "midair/host/publish/history.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"

namespace midair::host {

class HistoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HistoryTest);
  CPPUNIT_TEST(an_empty_history_ends_at_zero);
  CPPUNIT_TEST(only_its_end_is_read_newest_first);
  CPPUNIT_TEST(an_unreadable_entry_counts_but_makes_it_incomplete);
  CPPUNIT_TEST(trouble_with_the_store_is_an_error);
  CPPUNIT_TEST(foreign_keys_are_not_entries);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore memory_;
  CountingStore store_{memory_};

  void add(std::uint64_t sequence) {
    store_text(memory_, kLayout.history(sequence),
               pointer_to(upgrade_named("01A", "v" + std::to_string(sequence), sequence)).to_json());
  }
  History read() { return value_of(read_history(store_, kLayout, {})); }

  void an_empty_history_ends_at_zero() {
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, read().last_sequence);
    CPPUNIT_ASSERT(read().recent.empty() && read().complete);
  }

  void only_its_end_is_read_newest_first() {
    for (int i = 1; i <= 25; ++i) add(i);
    const auto history = read();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{25}, history.last_sequence);
    CPPUNIT_ASSERT_EQUAL(kRecentPublications, history.recent.size());
    CPPUNIT_ASSERT_EQUAL(std::string("v25"), history.recent.front().hot_upgrade()->version);
    CPPUNIT_ASSERT_EQUAL(std::string("v16"), history.recent.back().hot_upgrade()->version);
    CPPUNIT_ASSERT_EQUAL(static_cast<int>(kRecentPublications), store_.take("get"));
    CPPUNIT_ASSERT_EQUAL(1, store_.take("list"));
  }

  void an_unreadable_entry_counts_but_makes_it_incomplete() {
    add(1);
    store_text(memory_, kLayout.history(2), "{");
    const auto history = read();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, history.last_sequence);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, history.recent.size());
    CPPUNIT_ASSERT(!history.complete);
  }

  void trouble_with_the_store_is_an_error() {
    add(1);
    ScriptedStore down(memory_, [](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "get") return store_error();
      return {};
    });
    assert_fails(read_history(down, kLayout, {}), Errc::unavailable);
  }

  void foreign_keys_are_not_entries() {
    add(3);
    for (const char* name : {"9.json", "notes.txt", "000000000009.json.bak", "99999999999999999999.json"})
      store_text(memory_, kLayout.history_prefix() + name, "{}");
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, read().last_sequence);
    CPPUNIT_ASSERT(read().complete);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HistoryTest, "history");

}  // namespace midair::host
