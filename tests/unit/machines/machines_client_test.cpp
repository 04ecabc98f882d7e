#include "machines_client.h"

#include <cppunit/extensions/HelperMacros.h>

#include "client_fixture.h"
#include "scripted_peer.h"

namespace midair::host::machines {

/// Against a peer that answers as it is told, well or badly.
class MachinesClientTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MachinesClientTest);
  CPPUNIT_TEST(a_machine_is_read_and_its_json_kept);
  CPPUNIT_TEST(a_list_asks_for_what_the_filter_says);
  CPPUNIT_TEST(an_empty_list_is_asked_for_twice);
  CPPUNIT_TEST(an_odd_machine_hides_no_other);
  CPPUNIT_TEST(a_401_replaces_the_token_once);
  CPPUNIT_TEST(a_second_401_is_final);
  CPPUNIT_TEST(what_is_safe_is_repeated_and_what_is_not_is_not);
  CPPUNIT_TEST(a_refusal_with_429_is_repeated_after_its_time_also_where_nothing_else_is);
  CPPUNIT_TEST(a_repeated_delete_that_finds_nothing_has_succeeded);
  CPPUNIT_TEST(a_delete_that_finds_nothing_at_once_has_not);
  CPPUNIT_TEST(an_update_sends_the_whole_configuration_back_unharmed);
  CPPUNIT_TEST(a_creation_of_unknown_outcome_is_looked_up_by_its_tag);
  CPPUNIT_TEST(a_creation_that_stays_unknown_says_so_and_makes_no_second_machine);
  CPPUNIT_TEST(a_wait_goes_on_by_polling_where_the_api_cannot);
  CPPUNIT_TEST(a_wait_that_ends_says_in_which_state_the_machine_is);
  CPPUNIT_TEST(no_error_shows_the_token_or_the_nonce);
  CPPUNIT_TEST(nonsense_is_no_machine);
  CPPUNIT_TEST(without_tokens_nothing_is_sent);
  CPPUNIT_TEST_SUITE_END();

  using Then = ScriptedPeer::Then;
  static constexpr const char* kMachine =
      R"({"id":"148e","name":"n","state":"started","region":"fra","instance_id":"01V","cordoned":true,)"
      R"("image_ref":{"registry":"registry.fly.io","repository":"web","tag":"deployment-01J"},)"
      R"("checks":[{"name":"http","status":"passing"},{"name":"tcp","status":"critical"},)"
      R"({"name":"bg_deployments_compat","status":"passing"}],"host_status":"ok",)"
      R"("config":{"metadata":{"fly_process_group":"app"},"guest":{"cpus":1.0}, "services":[{"autostop":false}]}})";
  static const MachineRef& ref() {
    static const MachineRef machine{"web", "148e", "s3cretnonce"};
    return machine;
  }

  static ScriptedPeer::Script ok(const std::string& body) { return ScriptedPeer::answer("200 OK", body); }
  static ScriptedPeer::Script fails(const std::string& status, const std::string& error) {
    return ScriptedPeer::answer(status, R"({"error":")" + error + "\"}");
  }

  void a_machine_is_read_and_its_json_kept() {
    ScriptedPeer peer({ok(kMachine)});
    const Machine machine = value_of(client_of(peer.endpoint())->get(ref(), kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("/v1/apps/web/machines/148e"), peer.requests()[0].uri);
    CPPUNIT_ASSERT_EQUAL(std::string("Bearer fake-token"), peer.requests()[0].headers.at("authorization"));
    CPPUNIT_ASSERT_EQUAL(std::string("registry.fly.io/web:deployment-01J"), machine.image);
    CPPUNIT_ASSERT_EQUAL(std::string("app"), machine.process_group());
    CPPUNIT_ASSERT(machine.cordoned && machine.checks == 2 && machine.checks_passing == 1);
    CPPUNIT_ASSERT_EQUAL(std::string(kMachine), std::string(machine.json.text()));
  }

  void a_list_asks_for_what_the_filter_says() {
    ScriptedPeer peer({ok("[" + std::string(kMachine) + "]")});
    MachineFilter filter{{"stopped", "suspended"}, "fra", {{"role", "a b"}}, true, true};
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(client_of(peer.endpoint())->list("web", filter, kAmple)).size());
    CPPUNIT_ASSERT_EQUAL(std::string("/v1/apps/web/machines?state=stopped%2Csuspended&region=fra&metadata.role=a%20b"
                                     "&summary=true&include_deleted=true"),
                         peer.requests()[0].uri);
  }

  void an_empty_list_is_asked_for_twice() {
    ScriptedPeer lying({ok("[]"), ok("[" + std::string(kMachine) + "]")});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, value_of(client_of(lying.endpoint())->list("web", {}, kAmple)).size());
    ScriptedPeer honest({ok("[]"), ok("[]")});
    CPPUNIT_ASSERT(value_of(client_of(honest.endpoint())->list("web", {}, kAmple)).empty());
    ScriptedPeer broken({ok("[]"), fails("403 Forbidden", "unauthorized")});
    assert_fails(client_of(broken.endpoint())->list("web", {}, kAmple), Errc::denied);
  }

  void an_odd_machine_hides_no_other() {
    ScriptedPeer peer({ok(R"([null,7,{},[],{"id":7,"state":"started"},{"id":"odd","state":{},"config":[],"checks":"x",)"
                          R"("memory":1152921504606846976},)" +
                          std::string(kMachine) + "]")});
    const auto machines = value_of(client_of(peer.endpoint())->list("web", {}, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, machines.size());
    CPPUNIT_ASSERT_EQUAL(std::string("odd"), machines[0].id);
    CPPUNIT_ASSERT_EQUAL(std::string("unknown"), machines[0].state);
    CPPUNIT_ASSERT(!is_settled(machines[0].state));
    ScriptedPeer nonsense({ok(R"([{"error":"x"}])")});
    assert_fails(client_of(nonsense.endpoint())->list("web", {}, kAmple), Errc::corrupt);
  }

  void a_401_replaces_the_token_once() {
    ScriptedPeer peer({fails("401 Unauthorized", "Authenticate: token validation error"), ok(kMachine)});
    assert_ok(void_of(client_of(peer.endpoint(), {"old", "fm2_new"})->get(ref(), kAmple)));
    CPPUNIT_ASSERT_EQUAL(std::string("FlyV1 fm2_new"), peer.requests()[1].headers.at("authorization"));
  }

  void a_second_401_is_final() {
    ScriptedPeer peer({fails("401 Unauthorized", "no"), fails("401 Unauthorized", "no")});
    assert_fails(client_of(peer.endpoint(), {"one", "two", "three"})->get(ref(), kAmple), Errc::denied,
                 "HTTP status 401");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, peer.requests().size());
  }

  void what_is_safe_is_repeated_and_what_is_not_is_not() {
    ScriptedPeer flaky({fails("503 Unavailable", "later"), ScriptedPeer::raw("", Then::close), ok("{}")});
    assert_ok(client_of(flaky.endpoint())->stop(ref(), "SIGTERM", std::chrono::seconds(10), kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"signal":"SIGTERM","timeout":"10s"})"), flaky.requests()[2].body);

    ScriptedPeer lost({ScriptedPeer::raw("", Then::close), ok("{}")});
    assert_fails(client_of(lost.endpoint())->restart(ref(), "", {}, kAmple), Errc::unavailable);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, lost.requests().size());

    ScriptedPeer refusing({fails("422 Unprocessable", "Validation failed")});
    assert_fails(client_of(refusing.endpoint())->stop(ref(), "", {}, kAmple), Errc::bad_input, "Validation failed");
  }

  void a_refusal_with_429_is_repeated_after_its_time_also_where_nothing_else_is() {
    ScriptedPeer peer({ScriptedPeer::answer("429 Slow\r\nRetry-After: 1", "{}", Then::close), ok("{}")});
    const auto began = std::chrono::steady_clock::now();
    assert_ok(client_of(peer.endpoint())->restart(ref(), "", {}, kAmple));
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(990));
  }

  void a_repeated_delete_that_finds_nothing_has_succeeded() {
    ScriptedPeer peer({ScriptedPeer::raw("", Then::close), fails("404 Not Found", "machine not found")});
    assert_ok(client_of(peer.endpoint())->destroy(ref(), true, kAmple));
    CPPUNIT_ASSERT_EQUAL(std::string("/v1/apps/web/machines/148e?force=true"), peer.requests()[1].uri);
  }

  void a_delete_that_finds_nothing_at_once_has_not() {
    ScriptedPeer peer({fails("404 Not Found", "machine not found")});
    assert_fails(client_of(peer.endpoint())->destroy(ref(), false, kAmple), Errc::not_found);
  }

  void an_update_sends_the_whole_configuration_back_unharmed() {
    ScriptedPeer peer({ScriptedPeer::answer("200 OK", kMachine, Then::close), ok(kMachine)});
    const auto client = client_of(peer.endpoint());
    const Machine machine = value_of(client->get(ref(), kAmple));
    MachineSpec spec;
    spec.config = machine.config();
    spec.current_version = machine.instance_id;
    assert_ok(void_of(client->update(ref(), spec, kAmple)));
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"config":{"metadata":{"fly_process_group":"app"},"guest":{"cpus":1.0}, )"
                                     R"("services":[{"autostop":false}]},"current_version":"01V"})"),
                         peer.requests()[1].body);
    CPPUNIT_ASSERT_EQUAL(std::string("s3cretnonce"), peer.requests()[1].headers.at("fly-machine-lease-nonce"));
  }

  static std::string tag_in(const PeerRequest& request) {
    return json(request.body).at("config").at("metadata").at("midair_create_id").string();
  }

  void a_creation_of_unknown_outcome_is_looked_up_by_its_tag() {
    ScriptedPeer peer({ScriptedPeer::answer("408 Timeout", R"({"error":"deadline_exceeded"})", Then::close), ok("[]"),
                       ok("[" + std::string(kMachine) + "]")});
    MachineSpec spec;
    spec.config = json(R"({"image":"i","metadata":{"a":"b"}})");
    CPPUNIT_ASSERT_EQUAL(std::string("148e"), value_of(client_of(peer.endpoint())->create("web", spec, kAmple)).id);
    const auto requests = peer.requests();
    CPPUNIT_ASSERT_EQUAL(std::string("b"), json(requests[0].body).at("config").at("metadata").at("a").string());
    CPPUNIT_ASSERT_EQUAL("/v1/apps/web/machines?metadata.midair_create_id=" + tag_in(requests[0]), requests[2].uri);
  }

  void a_creation_that_stays_unknown_says_so_and_makes_no_second_machine() {
    std::vector<ScriptedPeer::Script> scripts{ScriptedPeer::raw("", Then::close)};
    scripts.insert(scripts.end(), 20, ok("[]"));
    ScriptedPeer peer(scripts);
    MachineSpec spec;
    spec.config = json(R"({"image":"i"})");
    const auto created = client_of(peer.endpoint())->create("web", spec, kAmple);
    assert_fails(created, Errc::precondition, "it is unknown whether the machine was made");
    CPPUNIT_ASSERT(!created.error().retryable());
    CPPUNIT_ASSERT(created.error().hint.find(tag_in(peer.requests()[0])) != std::string::npos);
    int posts = 0;
    for (const auto& request : peer.requests()) posts += request.method == "POST" ? 1 : 0;
    CPPUNIT_ASSERT_EQUAL(1, posts);
  }

  void a_wait_goes_on_by_polling_where_the_api_cannot() {
    const std::string stopping = R"({"id":"148e","state":"stopping"})";
    const std::string stopped = R"({"id":"148e","state":"stopped"})";
    ScriptedPeer peer(
        {fails("503 Unavailable", "later"), ok(stopping), fails("404 Not Found", "no such path"), ok(stopped)});
    CPPUNIT_ASSERT_EQUAL(
        std::string("stopped"),
        value_of(client_of(peer.endpoint())->wait(ref(), {.states = {"stopped", "suspended"}}, kAmple)));
    CPPUNIT_ASSERT(
        peer.requests()[0].uri.starts_with("/v1/apps/web/machines/148e/wait?state=stopped&state=suspended&timeout=1"));
  }

  void a_wait_that_ends_says_in_which_state_the_machine_is() {
    std::vector<ScriptedPeer::Script> scripts;
    for (int i = 0; i < 200; ++i) {
      scripts.push_back(fails("500 Error", "broken"));
      scripts.push_back(ok(R"({"id":"148e","state":"starting"})"));
    }
    ScriptedPeer peer(scripts);
    const auto waited = client_of(peer.endpoint())->wait(ref(), {.timeout = std::chrono::milliseconds(300)}, kAmple);
    assert_fails(waited, Errc::timeout, "it is not started within 300ms, but starting");
  }

  void no_error_shows_the_token_or_the_nonce() {
    ScriptedPeer peer({fails("403 Forbidden", "unauthorized")});
    const auto failed = client_of(peer.endpoint(), {"fo1_verysecret"})->start(ref(), kAmple);
    CPPUNIT_ASSERT(failed.error().to_string().find("verysecret") == std::string::npos);
    CPPUNIT_ASSERT(failed.error().to_string().find("s3cretnonce") == std::string::npos);
    CPPUNIT_ASSERT(failed.error().to_string().find("POST " + peer.endpoint() + "/v1/apps/web/machines/148e/start") !=
                   std::string::npos);
  }

  void nonsense_is_no_machine() {
    for (const char* body : {"", "[]", "{}", R"({"id":7,"state":"started"})", "<html>", R"({"id":"x"})"}) {
      ScriptedPeer peer({ok(body)});
      CPPUNIT_ASSERT_MESSAGE(body, client_of(peer.endpoint())->get(ref(), kAmple).error().code == Errc::corrupt);
    }
    ScriptedPeer peer({ok("{}")});
    assert_fails(client_of(peer.endpoint())->list("web", {}, kAmple), Errc::corrupt);
  }

  void without_tokens_nothing_is_sent() {
    ScriptedPeer peer({});
    MachinesClient client(std::make_unique<FlyClient>(value_of(HttpClient::open(peer.endpoint(), "")), LocalApi{},
                                                      [] { return std::shared_ptr<TokenSource>(); }));
    assert_fails(client.get(ref(), kAmple), Errc::denied, "no plugin that knows tokens");
    CPPUNIT_ASSERT(peer.requests().empty());
  }

  template <class T>
  static Result<void> void_of(const Result<T>& result) {
    return result.ok() ? Result<void>() : Result<void>(result.error());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MachinesClientTest, "machines_client");

}  // namespace midair::host::machines
