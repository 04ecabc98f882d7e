#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <iostream>

#include "client_fixture.h"
#include "fly_error.h"
#include "midair/foreign_text.h"

namespace midair::host::machines {

/// Every request of the client against a server that checks it by the API's own specification. That server is started
/// by tests/integration/machines_contract_test.py, which names it in MIDAIR_CONTRACT_URL; without it nothing is tested
/// here.
class ContractTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ContractTest);
  CPPUNIT_TEST(every_request_about_machines_is_accepted);
  CPPUNIT_TEST(every_other_request_is_accepted);
  CPPUNIT_TEST(every_declared_error_is_understood);
  CPPUNIT_TEST(what_the_specification_forbids_is_an_error);
  CPPUNIT_TEST_SUITE_END();

  const char* const url_ = std::getenv("MIDAIR_CONTRACT_URL");
  const MachineRef machine_{"web", "148ed123456789", "5c35f65c9f95"};

  bool is_skipped() {
    if (url_ == nullptr) std::cerr << " (skipped: MIDAIR_CONTRACT_URL names no server)";
    return url_ == nullptr;
  }
  std::unique_ptr<MachinesClient> client() const { return client_of(url_, {"fm2_contract"}); }

  template <class T>
  static void accepted(const Result<T>& result) {
    if (!result.ok()) CPPUNIT_FAIL(result.error().to_string());
  }

  void every_request_about_machines_is_accepted() {
    if (is_skipped()) return;
    const auto api = client();
    accepted(api->list("web", {{"started", "stopped"}, "fra", {{"role", "db"}}, true, true}, kAmple));
    const auto got = api->get(machine_, kAmple);
    accepted(got);
    MachineSpec spec;
    spec.config = got->config();
    spec.name = "n";
    spec.region = "fra";
    spec.skip_launch = true;
    accepted(api->create("web", spec, kAmple));
    spec.current_version = "01HEPA330HZ37A78TK080NAK1M";
    accepted(api->update(machine_, spec, kAmple));
    accepted(api->destroy(machine_, true, kAmple));
    accepted(api->start(machine_, kAmple));
    accepted(api->stop(machine_, "", {}, kAmple));
    accepted(api->stop(machine_, "SIGTERM", std::chrono::milliseconds(1500), kAmple));
    accepted(api->restart(machine_, "SIGTERM", std::chrono::seconds(10), kAmple));
    accepted(api->signal(machine_, "SIGUSR1", kAmple));
    accepted(api->suspend(machine_, kAmple));
    accepted(api->cordon(machine_, kAmple));
    accepted(api->uncordon(machine_, kAmple));
    MachineWait wait;
    wait.states = {"started", "settled"};
    wait.version = spec.current_version;
    accepted(api->wait(machine_, wait, kAmple));
    accepted(api->take_lease(machine_, std::chrono::seconds(60), "a contract", {}, kAmple));
    accepted(api->lease(machine_, kAmple));
    accepted(api->release_lease(machine_, kAmple));
    accepted(api->metadata(machine_, kAmple));
    accepted(api->set_metadata(machine_, "role", "db", kAmple));
    accepted(api->delete_metadata(machine_, "role", kAmple));
    accepted(api->exec(machine_, {"sh", "-c", "true"}, "input", kAmple));
    accepted(api->processes(machine_, kAmple));
    accepted(api->events(machine_, kAmple));
    accepted(api->versions(machine_, kAmple));
  }

  void every_other_request_is_accepted() {
    if (is_skipped()) return;
    const auto api = client();
    accepted(api->apps("personal", kAmple));
    accepted(api->app("web", kAmple));
    accepted(api->create_app("web", "personal", kAmple));
    accepted(api->delete_app("web", kAmple));
    accepted(api->deploy_token("web", std::chrono::hours(1), kAmple));
    accepted(api->volumes("web", kAmple));
    accepted(api->volume("web", "vol_1", kAmple));
    accepted(api->create_volume("web", "data", "fra", 1, kAmple));
    accepted(api->extend_volume("web", "vol_1", 2, kAmple));
    accepted(api->delete_volume("web", "vol_1", kAmple));
    accepted(api->snapshots("web", "vol_1", kAmple));
    accepted(api->create_snapshot("web", "vol_1", kAmple));
    accepted(api->secrets("web", kAmple));
    accepted(api->set_secret("web", "KEY", Secret("value"), kAmple));
    accepted(api->unset_secret("web", "KEY", kAmple));
    accepted(api->current_token("web", kAmple));
    accepted(api->regions(kAmple));
  }

  void every_declared_error_is_understood() {
    if (is_skipped()) return;
    const auto http = value_of(HttpClient::open(url_, ""));
    const std::string machine = "/v1/apps/web/machines/148ed123456789";
    for (const auto& [method, path, statuses] : std::vector<std::tuple<std::string, std::string, std::vector<int>>>{
             {"GET", machine, {400, 401, 403, 404, 422, 429, 500, 503}},
             {"POST", machine + "/start", {400, 401, 403, 404, 409, 412, 422, 429, 500, 503}},
             {"GET", machine + "/wait", {400, 401, 403, 404, 408, 422, 429, 500, 503}}}) {
      for (const int status : statuses) {
        const HttpRequest request{
            method, path, {{"Authorization", "FlyV1 fm2_contract"}, {"Prefer", "code=" + std::to_string(status)}}};
        const auto answer = value_of(http->send(request, 1 << 20, CallTimer(kAmple)));
        CPPUNIT_ASSERT_EQUAL(status, answer.status);
        const Error error = fly_error(answer, "ask by", path);
        CPPUNIT_ASSERT_MESSAGE(error.message(), error.code != Errc::corrupt && error.http_status == status);
        const std::string text = json(answer.body).at("error").string();
        CPPUNIT_ASSERT_MESSAGE(answer.body, text.empty() || error.cause.find(one_line(text)) != std::string::npos);
      }
    }
  }

  void what_the_specification_forbids_is_an_error() {
    if (is_skipped()) return;
    assert_fails(client()->signal(machine_, "SIGNONSENSE", kAmple), Errc::bad_input);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ContractTest, "contract");

}  // namespace midair::host::machines
