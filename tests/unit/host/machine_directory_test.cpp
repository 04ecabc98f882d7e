#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/host/fleet/store_machine_directory.h"

namespace midair::host {

class MachineDirectoryTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MachineDirectoryTest);
  CPPUNIT_TEST(it_lists_the_machines_that_checked_in_by_id);
  CPPUNIT_TEST(a_look_costs_one_list_and_one_get_for_each_change);
  CPPUNIT_TEST(a_broken_record_neither_hides_others_nor_is_hidden);
  CPPUNIT_TEST(an_error_is_not_an_empty_fleet_and_loses_no_change);
  CPPUNIT_TEST(a_record_removed_while_it_is_read_is_gone);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore memory_;
  CountingStore store_{memory_};
  StoreMachineDirectory directory_;

  std::vector<FleetMachine> look() { return value_of(directory_.machines(store_, "web", {})); }

  void it_lists_the_machines_that_checked_in_by_id() {
    for (const char* id : {"b", "a-1", "a"}) check_in(memory_, machine(id));
    store_text(memory_, kLayout.machines_prefix() + "notes.txt", "not a machine");
    std::string ids;
    for (const auto& machine : look()) ids += machine.record.machine_id + " ";
    CPPUNIT_ASSERT_EQUAL(std::string("a a-1 b "), ids);
    CPPUNIT_ASSERT(value_of(directory_.machines(store_, "other", {})).empty());
  }

  void a_look_costs_one_list_and_one_get_for_each_change() {
    for (int i = 0; i < 20; ++i) check_in(memory_, machine("m" + std::to_string(i)));
    CPPUNIT_ASSERT_EQUAL(std::size_t{20}, look().size());
    CPPUNIT_ASSERT_EQUAL(20, store_.take("get"));
    CPPUNIT_ASSERT_EQUAL(1, store_.take("list"));

    CPPUNIT_ASSERT_EQUAL(std::size_t{20}, look().size());
    CPPUNIT_ASSERT_EQUAL(0, store_.take("get"));
    CPPUNIT_ASSERT_EQUAL(1, store_.take("list"));

    check_in(memory_, machine("m7", "another image"));
    assert_ok(memory_.remove(kLayout.machine("m8"), {}));
    const auto fleet = look();
    CPPUNIT_ASSERT_EQUAL(std::size_t{19}, fleet.size());
    CPPUNIT_ASSERT_EQUAL(1, store_.take("get"));
  }

  void a_broken_record_neither_hides_others_nor_is_hidden() {
    check_in(memory_, machine("good"));
    store_text(memory_, kLayout.machine("html"), "<html>");
    store_text(memory_, kLayout.machine("huge"), std::string(kMaxMachineStateBytes + 1, ' '));
    store_text(memory_, kLayout.machine("liar"), machine("good").to_json());
    for (int i = 0; i < 2; ++i) {
      const auto fleet = look();
      CPPUNIT_ASSERT_EQUAL(std::size_t{4}, fleet.size());
      CPPUNIT_ASSERT(fleet[0].state == FleetState::serving);
      for (int broken = 1; broken < 4; ++broken) {
        CPPUNIT_ASSERT(fleet[broken].state == FleetState::unreadable);
        CPPUNIT_ASSERT(fleet[broken].record.base_image_ref.empty());
      }
    }
  }

  void an_error_is_not_an_empty_fleet_and_loses_no_change() {
    std::string failing;
    ScriptedStore store(memory_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (verb == failing && (verb == "list" || key == kLayout.machine("b"))) return store_error();
      return {};
    });
    for (const char* id : {"a", "b", "c"}) check_in(memory_, machine(id));
    for (const char* verb : {"list", "get"}) {
      failing = verb;
      assert_fails(directory_.machines(store, "web", {}), Errc::unavailable);
    }
    failing.clear();
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, value_of(directory_.machines(store, "web", {})).size());
  }

  void a_record_removed_while_it_is_read_is_gone() {
    check_in(memory_, machine("a"));
    check_in(memory_, machine("b"));
    ScriptedStore racing(memory_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (verb == "get" && key == kLayout.machine("b")) assert_ok(memory_.remove(key, {}));
      return {};
    });
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(directory_.machines(racing, "web", {})).size());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MachineDirectoryTest, "machine_directory");

}  // namespace midair::host
