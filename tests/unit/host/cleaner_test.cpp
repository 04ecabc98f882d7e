#include "midair/host/fleet/cleaner.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>

#include "fleet_doubles.h"
#include "midair/host/fleet/fleet_directory.h"
#include "midair/host/fleet/store_machine_directory.h"

namespace midair::host {

class CleanerTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CleanerTest);
  CPPUNIT_TEST(results_of_the_last_five_upgrades_stay);
  CPPUNIT_TEST(a_tarball_that_nothing_refers_to_goes);
  CPPUNIT_TEST(a_tarball_that_anything_refers_to_stays);
  CPPUNIT_TEST(the_last_good_release_stays_however_old_it_is);
  CPPUNIT_TEST(what_flydeploy_needs_stays);
  CPPUNIT_TEST(a_young_tarball_stays);
  CPPUNIT_TEST(nothing_of_an_app_with_a_longer_name_goes);
  CPPUNIT_TEST(no_tarball_goes_while_something_is_unreadable);
  CPPUNIT_TEST(other_objects_stay);
  CPPUNIT_TEST(a_removal_is_only_done_under_the_lock);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore store_;
  ManualClock clock_;
  CleanupInput input_{kLayout, {}, {}, {}, clock_.wall()};

  void object(const std::string& key, std::chrono::minutes age = std::chrono::hours(2)) {
    input_.objects.push_back({key, "etag", 1, clock_.wall() - age});
  }
  /// Published in this order: the last is the pointer.
  void publish(const std::vector<HotUpgrade>& upgrades) {
    auto& state = input_.published;
    for (const auto& upgrade : upgrades) state.history.recent.insert(state.history.recent.begin(), pointer_to(upgrade));
    if (state.history.recent.size() > kRecentPublications)
      state.history.recent.erase(state.history.recent.begin() + kRecentPublications, state.history.recent.end());
    state.current = CurrentPointer{state.history.recent.front(), "etag"};
  }
  bool goes(const std::string& key) {
    const auto doomed = plan_cleanup(store_, input_);
    return std::ranges::find(doomed, key) != doomed.end();
  }

  void results_of_the_last_five_upgrades_stay() {
    std::vector<HotUpgrade> upgrades;
    for (int i = 1; i <= 7; ++i) {
      upgrades.push_back(upgrade_named("0" + std::to_string(i), "v" + std::to_string(i), i));
      object(kLayout.result("0" + std::to_string(i), "m"), std::chrono::minutes(1));
    }
    object(kLayout.result("0NEVERHEARDOF", "m"));
    publish(upgrades);
    for (const char* id : {"01", "02"}) CPPUNIT_ASSERT_MESSAGE(id, goes(kLayout.result(id, "m")));
    for (const char* id : {"03", "04", "05", "06", "07", "0NEVERHEARDOF"})
      CPPUNIT_ASSERT_MESSAGE(id, !goes(kLayout.result(id, "m")));
  }

  void a_tarball_that_nothing_refers_to_goes() {
    std::vector<HotUpgrade> upgrades;
    for (int i = 1; i <= 12; ++i) upgrades.push_back(upgrade_named("01", "v" + std::to_string(i), i));
    publish(upgrades);
    for (const char* version : {"v1", "v2", "v3", "v12", "orphan"}) object(kLayout.tarball(version));
    for (const char* version : {"v1", "v2", "orphan"}) CPPUNIT_ASSERT_MESSAGE(version, goes(kLayout.tarball(version)));
    for (const char* version : {"v3", "v12"}) CPPUNIT_ASSERT_MESSAGE(version, !goes(kLayout.tarball(version)));
  }

  void a_tarball_that_anything_refers_to_stays() {
    auto elsewhere = upgrade_named("01A", "renamed");
    elsewhere.tarball_url = store_.url_of("releases/web-odd-name.tar.gz");
    publish({elsewhere});
    input_.machines.push_back(as_recorded(machine_on("m", upgrade_named("0OLD", "ancient"))));
    for (const char* version : {"renamed", "odd-name", "ancient", "unknown"}) object(kLayout.tarball(version));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("renamed")));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("odd-name")));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("ancient")));
    CPPUNIT_ASSERT(goes(kLayout.tarball("unknown")));
  }

  void the_last_good_release_stays_however_old_it_is() {
    publish({upgrade_named("01B", "v2")});
    auto pointer = pointer_to(upgrade_named("01A", "v1"));
    pointer.keep_as_last_good();
    pointer.set_hot_upgrade(upgrade_named("01B", "v2"), "now");
    input_.published.current = CurrentPointer{pointer, "etag"};
    for (const char* version : {"v0", "v1", "v2"}) object(kLayout.tarball(version));
    CPPUNIT_ASSERT(goes(kLayout.tarball("v0")));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("v1")) && !goes(kLayout.tarball("v2")));
  }

  void what_flydeploy_needs_stays() {
    publish({upgrade_named("01A", "v1")});
    const auto url = store_.url_of("releases/web-2.0.0.tar.gz");
    store_text(store_, kLayout.pointer(),
               R"({"image_ref":"i","blue_green_upgrade":{"tarball_url":")" + url + R"("},"hot_upgrade":null})");
    input_.published.current = value_of(read_pointer(store_, kLayout, {}));
    for (const char* version : {"2.0.0", "1.9.0-blue_green", "unknown"}) object(kLayout.tarball(version));
    object(kLayout.result("0PEERS", "m"));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("2.0.0")));
    CPPUNIT_ASSERT(!goes(kLayout.tarball("1.9.0-blue_green")));
    CPPUNIT_ASSERT(!goes(kLayout.result("0PEERS", "m")));
    CPPUNIT_ASSERT(goes(kLayout.tarball("unknown")));
  }

  void a_young_tarball_stays() {
    object(kLayout.tarball("young"), std::chrono::minutes(59));
    object(kLayout.tarball("from-the-future"), std::chrono::minutes(-59));
    input_.objects.push_back({kLayout.tarball("ageless"), "etag", 1});
    object(kLayout.tarball("old"), std::chrono::minutes(60));
    CPPUNIT_ASSERT(plan_cleanup(store_, input_) == std::vector<std::string>{kLayout.tarball("old")});
  }

  void nothing_of_an_app_with_a_longer_name_goes() {
    for (const char* mark : {"releases/web-api-current.json", "releases/web-db-deploy.lock",
                             "releases/web-ui-machines/m.json", "releases/web-x-history/000000000001.json"})
      object(mark);
    for (const char* app : {"api", "db", "ui", "x"}) object(kLayout.tarball(std::string(app) + "-1.0"));
    object(kLayout.tarball("apiary"));
    object("releases/web-api-results/0OLD/m.json");
    CPPUNIT_ASSERT(plan_cleanup(store_, input_) == std::vector<std::string>{kLayout.tarball("apiary")});
  }

  void no_tarball_goes_while_something_is_unreadable() {
    object(kLayout.tarball("orphan"));
    Machine machine;
    machine.id = "m";
    for (const char* state : {"started", "stopped"}) {
      machine.state = state;
      input_.machines = merge_fleet({as_unreadable("m")}, {machine});
      CPPUNIT_ASSERT_MESSAGE(state, !goes(kLayout.tarball("orphan")));
    }
    input_.machines = merge_fleet({as_unreadable("m")}, {});
    CPPUNIT_ASSERT(!goes(kLayout.tarball("orphan")));
    input_.machines.clear();
    input_.published.history.complete = false;
    CPPUNIT_ASSERT(!goes(kLayout.tarball("orphan")));
    input_.published.history.complete = true;
    CPPUNIT_ASSERT(goes(kLayout.tarball("orphan")));
  }

  void other_objects_stay() {
    for (const auto& key : {kLayout.pointer(), kLayout.lock(), kLayout.history(1), kLayout.machine("m"),
                            std::string("releases/web-notes.txt"), std::string("releases/web-x/y.tar.gz")})
      object(key);
    CPPUNIT_ASSERT(plan_cleanup(store_, input_).empty());
  }

  void a_removal_is_only_done_under_the_lock() {
    for (int i = 1; i <= 6; ++i)
      store_text(store_, kLayout.history(i), pointer_to(upgrade_named("0" + std::to_string(i), "v", i)).to_json());
    for (int i = 0; i < 30; ++i) report(store_, "01", result_of("m" + std::to_string(i), UpgradeStatus::completed));
    const auto lock = value_of(DeployLock::acquire({store_, clock_, moving(clock_)},
                                                   {kLayout, "a", "d", std::chrono::minutes(5), Force::no}, {}));
    StoreMachineDirectory directory;
    clock_.advance(std::chrono::minutes(6));
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, value_of(clean_up(store_, directory, clock_, *lock, kLayout, {})));
    assert_ok(lock->renew());
    CPPUNIT_ASSERT_EQUAL(std::size_t{30}, value_of(clean_up(store_, directory, clock_, *lock, kLayout, {})));
    CPPUNIT_ASSERT(value_of(store_.list(kLayout.results_prefix(), {})).empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(CleanerTest, "cleaner");

}  // namespace midair::host
