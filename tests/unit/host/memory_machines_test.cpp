#include "midair/host/memory_machines.h"

#include <cppunit/extensions/HelperMacros.h>

#include <thread>

#include "result_asserts.h"

namespace midair::host {

class MemoryMachinesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MemoryMachinesTest);
  CPPUNIT_TEST(a_machine_is_made_started_stopped_and_destroyed);
  CPPUNIT_TEST(lists_keep_to_their_filter);
  CPPUNIT_TEST(who_waits_hears_of_a_change);
  CPPUNIT_TEST(a_lease_keeps_others_out_until_it_ends);
  CPPUNIT_TEST(an_update_of_an_older_version_is_refused);
  CPPUNIT_TEST(apps_volumes_and_secrets_are_kept_by_name);
  CPPUNIT_TEST_SUITE_END();

  ManualClock clock_;
  MemoryMachines machines_{clock_};

  static JsonText json(const std::string& text) { return value_of(JsonText::parse(text, "test", text.size())); }
  MachineRef make(const std::string& region = "fra") {
    MachineSpec spec;
    spec.config = json(R"({"image":"web:1","metadata":{"role":"web"}})");
    spec.region = region;
    return {"web", value_of(machines_.create("web", spec, {})).id};
  }
  std::string state_of(const MachineRef& machine) { return value_of(machines_.get(machine, {})).state; }

  void a_machine_is_made_started_stopped_and_destroyed() {
    const auto machine = make();
    CPPUNIT_ASSERT_EQUAL(std::string("web:1"), value_of(machines_.get(machine, {})).image);
    assert_ok(machines_.stop(machine, "", {}, {}));
    CPPUNIT_ASSERT_EQUAL(std::string("stopped"), state_of(machine));
    assert_ok(machines_.start(machine, {}));
    assert_fails(machines_.destroy(machine, false, {}), Errc::precondition);
    assert_ok(machines_.destroy(machine, true, {}));
    assert_fails(machines_.get(machine, {}), Errc::not_found);
    assert_fails(machines_.start(machine, {}), Errc::not_found);
  }

  void lists_keep_to_their_filter() {
    make("fra");
    const auto stopped = make("iad");
    assert_ok(machines_.stop(stopped, "", {}, {}));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, value_of(machines_.list("web", {}, {})).size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, value_of(machines_.list("other", {}, {})).size());
    CPPUNIT_ASSERT_EQUAL(stopped.id, value_of(machines_.list("web", {.states = {"stopped"}}, {})).at(0).id);
    CPPUNIT_ASSERT_EQUAL(stopped.id, value_of(machines_.list("web", {.region = "iad"}, {})).at(0).id);
    CPPUNIT_ASSERT(value_of(machines_.list("web", {.metadata = {{"role", "worker"}}}, {})).empty());
  }

  void who_waits_hears_of_a_change() {
    const auto machine = make();
    std::thread other([&] { assert_ok(machines_.suspend(machine, {})); });
    MachineWait wait;
    wait.states = {"suspended"};
    CPPUNIT_ASSERT_EQUAL(std::string("suspended"), value_of(machines_.wait(machine, wait, {})));
    other.join();
    wait.states = {"started"};
    wait.timeout = std::chrono::milliseconds(1);
    assert_fails(machines_.wait(machine, wait, {}), Errc::timeout, "suspended");
  }

  void a_lease_keeps_others_out_until_it_ends() {
    const auto machine = make();
    const auto lease = value_of(machines_.take_lease(machine, std::chrono::seconds(10), "mine", {}, {}));
    assert_fails(machines_.stop(machine, "", {}, {}), Errc::precondition, "lease");
    auto holder = machine;
    holder.nonce = lease.nonce;
    assert_ok(machines_.stop(holder, "", {}, {}));
    clock_.advance(std::chrono::seconds(10));
    assert_ok(machines_.start(machine, {}));
    assert_fails(machines_.lease(machine, {}), Errc::not_found);
  }

  void an_update_of_an_older_version_is_refused() {
    const auto machine = make();
    MachineSpec spec;
    spec.current_version = value_of(machines_.get(machine, {})).instance_id;
    CPPUNIT_ASSERT(machines_.update(machine, spec, {}).ok());
    assert_fails(machines_.update(machine, spec, {}), Errc::precondition);
  }

  void apps_volumes_and_secrets_are_kept_by_name() {
    MemoryApps apps;
    CPPUNIT_ASSERT(apps.create_app("web", "personal", {}).ok());
    assert_fails(apps.create_app("web", "personal", {}), Errc::bad_input);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(apps.apps("personal", {})).size());

    MemoryVolumes volumes;
    const auto volume = value_of(volumes.create_volume("web", "data", "fra", 1, {}));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{3}, value_of(volumes.extend_volume("web", volume.id, 3, {})).size_gb);
    assert_fails(volumes.volume("other", volume.id, {}), Errc::not_found);

    MemorySecrets secrets;
    assert_ok(secrets.set_secret("web", "KEY", Secret("value"), {}));
    CPPUNIT_ASSERT_EQUAL(std::string("KEY"), value_of(secrets.secrets("web", {})).at(0).name);
    assert_ok(secrets.unset_secret("web", "KEY", {}));
    CPPUNIT_ASSERT(value_of(secrets.secrets("web", {})).empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MemoryMachinesTest, "memory_machines");

}  // namespace midair::host
