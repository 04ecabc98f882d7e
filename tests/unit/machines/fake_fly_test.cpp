#include "fake_fly_process.h"

#include <cppunit/extensions/HelperMacros.h>

#include <future>

#include "client_fixture.h"

namespace midair::host::machines {

/// The client and the fake, both whole: lives of machines, leases, doubts.
class FakeFlyTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(FakeFlyTest);
  CPPUNIT_TEST(a_machine_lives_from_creation_to_destruction);
  CPPUNIT_TEST(a_start_right_after_a_stop_waits_until_it_is_allowed);
  CPPUNIT_TEST(a_wait_outlasts_the_apis_own_limit);
  CPPUNIT_TEST(an_answer_lost_after_the_creation_makes_no_second_machine);
  CPPUNIT_TEST(a_lease_keeps_others_off_until_it_is_released);
  CPPUNIT_TEST(a_lease_is_waited_for_only_if_asked);
  CPPUNIT_TEST(a_lagging_list_is_not_believed_when_it_is_empty);
  CPPUNIT_TEST(our_own_rate_limits_keep_us_from_being_refused);
  CPPUNIT_TEST(metadata_programs_and_history_are_told);
  CPPUNIT_TEST(apps_volumes_secrets_and_the_platform_are_told);
  CPPUNIT_TEST(a_stop_request_ends_a_wait_soon);
  CPPUNIT_TEST_SUITE_END();

  static MachineSpec spec() {
    MachineSpec spec;
    spec.config = json(R"({"image":"registry.fly.io/web:v1","metadata":{"role":"db"}})");
    spec.region = "iad";
    return spec;
  }

  static MachineWait until(std::vector<std::string> states) {
    return {.states = std::move(states), .timeout = std::chrono::seconds(60)};
  }

  static MachineRef first_of(MachinesApi& api) { return {"web", value_of(api.list("web", {}, kAmple)).at(0).id}; }

  void a_machine_lives_from_creation_to_destruction() {
    const FakeFly fly({"--app", "web"});
    const auto api = client_of(fly.url());
    const Machine made = value_of(api->create("web", spec(), kAmple));
    const MachineRef ref{"web", made.id};
    CPPUNIT_ASSERT_EQUAL(std::string("iad"), made.region);
    CPPUNIT_ASSERT_EQUAL(std::string("started"), value_of(api->wait(ref, until({"started"}), kAmple)));

    MachineSpec next;
    next.config = json(value_of(api->get(ref, kAmple)).config().with("image", "\"registry.fly.io/web:v2\""));
    next.current_version = made.instance_id;
    const Machine updated = value_of(api->update(ref, next, kAmple));
    CPPUNIT_ASSERT(updated.image == "registry.fly.io/web:v2" && updated.instance_id != made.instance_id);
    CPPUNIT_ASSERT_EQUAL(std::string("db"), updated.metadata.at("role"));
    assert_fails(api->update(ref, next, kAmple), Errc::precondition, "is not current");

    CPPUNIT_ASSERT_EQUAL(std::string("started"), value_of(api->wait(ref, until({"settled"}), kAmple)));
    assert_ok(api->cordon(ref, kAmple));
    CPPUNIT_ASSERT(value_of(api->get(ref, kAmple)).cordoned);
    assert_ok(api->uncordon(ref, kAmple));
    assert_ok(api->signal(ref, "SIGUSR1", kAmple));
    assert_ok(api->restart(ref, "SIGTERM", std::chrono::seconds(3), kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("started"), value_of(api->wait(ref, until({"started"}), kAmple)));
    assert_ok(api->suspend(ref, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("suspended"), value_of(api->wait(ref, until({"suspended", "stopped"}), kAmple)));
    assert_ok(api->start(ref, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("started"), value_of(api->wait(ref, until({"started"}), kAmple)));

    assert_fails(api->destroy(ref, false, kAmple), Errc::precondition, "not currently stopped");
    assert_ok(api->destroy(ref, true, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("destroyed"), value_of(api->wait(ref, until({"destroyed"}), kAmple)));
  }

  void a_start_right_after_a_stop_waits_until_it_is_allowed() {
    const FakeFly fly({"--app", "web:1", "--no-rate-limits"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    assert_ok(api->stop(ref, "", {}, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("stopped"), value_of(api->wait(ref, until({"stopped"}), kAmple)));
    fly.fail_next(R"({"method":"POST","path":"/start$","status":412,)"
                  R"("error":"failed_precondition: machine still active, refusing to start"})");
    assert_ok(api->start(ref, kAmple));
    CPPUNIT_ASSERT(fly.count("POST", "/start") >= 2);
  }

  void a_wait_outlasts_the_apis_own_limit() {
    const FakeFly fly({"--app", "web:1"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    auto stopper = std::async(std::launch::async, [&] {
      while (fly.count("GET", "/wait") < 3) {
      }
      return api->stop(ref, "", {}, kAmple);
    });
    CPPUNIT_ASSERT_EQUAL(std::string("stopped"), value_of(api->wait(ref, until({"stopped"}), kAmple)));
    assert_ok(stopper.get());
  }

  void an_answer_lost_after_the_creation_makes_no_second_machine() {
    const FakeFly fly({"--app", "web"});
    const auto api = client_of(fly.url());
    fly.fail_next(R"({"method":"POST","path":"/machines$","status":0,"after":true})");
    const Machine made = value_of(api->create("web", spec(), kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("iad"), made.region);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->list("web", {}, kAmple)).size());
    CPPUNIT_ASSERT_EQUAL(1, fly.count("POST", "/machines"));
  }

  void a_lease_keeps_others_off_until_it_is_released() {
    const FakeFly fly({"--app", "web:1"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    assert_fails(api->lease(ref, kAmple), Errc::not_found, "lease not found");
    const Lease lease = value_of(api->take_lease(ref, std::chrono::seconds(60), "a test", {}, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("a test"), value_of(api->lease(ref, kAmple)).description);
    assert_fails(api->stop(ref, "", {}, kAmple), Errc::precondition, "held by fake@tokens.fly.io, expires at 20");
    const MachineRef ours{ref.app, ref.id, lease.nonce};
    CPPUNIT_ASSERT_EQUAL(lease.nonce, value_of(api->take_lease(ours, std::chrono::seconds(90), "", {}, kAmple)).nonce);
    assert_ok(api->stop(ours, "", {}, kAmple));
    assert_ok(api->release_lease(ours, kAmple));
    assert_fails(api->lease(ref, kAmple), Errc::not_found);
  }

  void a_lease_is_waited_for_only_if_asked() {
    const FakeFly fly({"--app", "web:1", "--no-rate-limits"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    assert_ok(api->take_lease(ref, std::chrono::seconds(2), "", {}, kAmple).ok() ? Result<void>() : Error{});
    assert_fails(api->take_lease(ref, std::chrono::seconds(2), "", {}, kAmple), Errc::precondition,
                 "lease currently held");
    CPPUNIT_ASSERT(api->take_lease(ref, std::chrono::seconds(2), "", std::chrono::seconds(60), kAmple).ok());
  }

  void a_lagging_list_is_not_believed_when_it_is_empty() {
    const FakeFly fly({"--app", "web", "--lag", "1"});
    const auto api = client_of(fly.url());
    assert_ok(api->create("web", spec(), kAmple).ok() ? Result<void>() : Error{});
    for (int i = 0; value_of(api->list("web", {}, kAmple)).empty(); ++i) CPPUNIT_ASSERT(i < 100);
    CPPUNIT_ASSERT(fly.count("GET", "/machines") >= 1);
  }

  void our_own_rate_limits_keep_us_from_being_refused() {
    const FakeFly fly({"--app", "web:1"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    for (int i = 0; i < 5; ++i) assert_ok(api->cordon(ref, kAmple));
    CPPUNIT_ASSERT_EQUAL(5, fly.count("POST", "/cordon"));
  }

  void metadata_programs_and_history_are_told() {
    const FakeFly fly({"--app", "web:1"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    assert_ok(api->set_metadata(ref, "a/b", "c d\"", kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("c d\""), value_of(api->metadata(ref, kAmple)).at("a/b"));
    assert_ok(api->delete_metadata(ref, "a/b", kAmple));
    CPPUNIT_ASSERT(!value_of(api->metadata(ref, kAmple)).contains("a/b"));
    const auto outcome = value_of(api->exec(ref, {"echo", "a", "b"}, "", kAmple));
    CPPUNIT_ASSERT(outcome.exit_code == 0 && outcome.out == "a b\n");
    CPPUNIT_ASSERT_EQUAL(1, value_of(api->exec(ref, {"false"}, "", kAmple)).exit_code);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->processes(ref, kAmple)).elements().size());
    CPPUNIT_ASSERT_EQUAL(std::string("launch"),
                         value_of(api->events(ref, kAmple)).elements().at(0).at("type").string());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->versions(ref, kAmple)).elements().size());
  }

  void apps_volumes_secrets_and_the_platform_are_told() {
    const FakeFly fly({});
    const auto api = client_of(fly.url());
    CPPUNIT_ASSERT_EQUAL(std::string("personal"), value_of(api->create_app("new", "personal", kAmple)).organization);
    assert_fails(api->create_app("new", "personal", kAmple), Errc::bad_input, "name_taken");
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->apps("personal", kAmple)).size());
    CPPUNIT_ASSERT(!value_of(api->deploy_token("new", std::chrono::hours(1), kAmple)).empty());

    const Volume volume = value_of(api->create_volume("new", "data", "fra", 3, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::int64_t{5}, value_of(api->extend_volume("new", volume.id, 5, kAmple)).size_gb);
    assert_ok(api->create_snapshot("new", volume.id, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->snapshots("new", volume.id, kAmple)).elements().size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->volumes("new", kAmple)).size());
    assert_ok(api->delete_volume("new", volume.id, kAmple));
    assert_fails(api->volume("new", volume.id, kAmple), Errc::not_found);

    assert_ok(api->set_secret("new", "KEY", Secret("value"), kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("KEY"), value_of(api->secrets("new", kAmple)).at(0).name);
    assert_ok(api->unset_secret("new", "KEY", kAmple));

    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(api->current_token("new", kAmple)).at("tokens").elements().size());
    CPPUNIT_ASSERT(!value_of(api->regions(kAmple)).at("regions").elements().empty());
    assert_ok(api->delete_app("new", kAmple));
    assert_fails(api->app("new", kAmple), Errc::not_found);
  }

  void a_stop_request_ends_a_wait_soon() {
    const FakeFly fly({"--app", "web:1"});
    const auto api = client_of(fly.url());
    const MachineRef ref = first_of(*api);
    std::stop_source stop;
    auto waiting = std::async(std::launch::async, [&] {
      return api->wait(ref, {.states = {"stopped"}, .timeout = std::chrono::minutes(5)}, {.stop = stop.get_token()});
    });
    while (fly.count("GET", "/wait") == 0) {
    }
    stop.request_stop();
    CPPUNIT_ASSERT(waiting.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
    assert_fails(waiting.get(), Errc::cancelled);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FakeFlyTest, "fake_fly");

}  // namespace midair::host::machines
