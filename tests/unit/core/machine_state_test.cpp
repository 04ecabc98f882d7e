#include "midair/release/machine_state.h"

#include <cppunit/extensions/HelperMacros.h>

#include <limits>

#include "flydeploy_objects.h"
#include "midair/json/json.h"
#include "result_asserts.h"

namespace midair {

namespace {

UpgradeResult parse(std::string_view text) { return value_of(UpgradeResult::parse(text, "result.json")); }

Poco::JSON::Object::Ptr json_of(const std::string& text) {
  return value_of(parse_json_object(text, "result.json", kMaxMachineStateBytes));
}

}  // namespace

class MachineStateTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(MachineStateTest);
  CPPUNIT_TEST(reads_flydeploys_results);
  CPPUNIT_TEST(writes_every_field_of_flydeploys_results_with_the_same_value);
  CPPUNIT_TEST(result_survives_a_round_trip);
  CPPUNIT_TEST(a_failure_that_will_be_tried_again_is_pending);
  CPPUNIT_TEST(pending_result_claims_no_success);
  CPPUNIT_TEST(writes_valid_json_whatever_the_app_said);
  CPPUNIT_TEST(an_error_of_any_length_arrives);
  CPPUNIT_TEST(only_so_much_of_an_output_is_kept);
  CPPUNIT_TEST(refuses_results_of_wrong_shape);
  CPPUNIT_TEST(record_survives_a_round_trip);
  CPPUNIT_TEST(what_is_odd_of_a_drain_hides_no_machine);
  CPPUNIT_TEST(record_on_the_base_image_has_null_for_the_release);
  CPPUNIT_TEST(a_state_that_nobody_knows_hides_no_machine);
  CPPUNIT_TEST(refuses_records_of_wrong_shape);
  CPPUNIT_TEST(fingerprint_depends_on_both_refs);
  CPPUNIT_TEST_SUITE_END();

  void reads_flydeploys_results() {
    const UpgradeResult pending = parse(flydeploy::kResultPending);
    CPPUNIT_ASSERT(pending.status == UpgradeStatus::pending && !pending.final());
    CPPUNIT_ASSERT_EQUAL(std::string("28715e9ad77189"), pending.machine_id);
    CPPUNIT_ASSERT_EQUAL(std::string("2026-11-20T21:09:30.253096Z"), pending.started_at);

    const UpgradeResult completed = parse(flydeploy::kResultCompleted);
    CPPUNIT_ASSERT(completed.status == UpgradeStatus::completed && completed.final());
    CPPUNIT_ASSERT_EQUAL(std::string("iad"), completed.region);
    CPPUNIT_ASSERT(completed.error.empty());
    CPPUNIT_ASSERT((completed.module_names == std::vector<std::string>{"MyApp.Worker"}));
    CPPUNIT_ASSERT((completed.process_names == std::vector<std::string>{"MyApp.Worker"}));
    CPPUNIT_ASSERT(completed.modules_reloaded == 1 && completed.processes_succeeded == 10);
    CPPUNIT_ASSERT_EQUAL(9.0, completed.suspend_duration_ms.value());
    CPPUNIT_ASSERT_EQUAL(433.0, completed.total_duration_ms.value());

    const UpgradeResult failed = parse(flydeploy::kResultFailed);
    CPPUNIT_ASSERT(failed.status == UpgradeStatus::failed);
    CPPUNIT_ASSERT_EQUAL(std::string("\"no match of right hand side value: {:error, :eof}\""), failed.error);
    CPPUNIT_ASSERT(!failed.suspend_duration_ms);
  }

  void writes_every_field_of_flydeploys_results_with_the_same_value() {
    for (const char* text : {flydeploy::kResultPending, flydeploy::kResultCompleted, flydeploy::kResultFailed}) {
      const auto theirs = json_of(text);
      const auto ours = json_of(parse(text).to_json());
      for (const auto& [key, value] : *theirs) {
        CPPUNIT_ASSERT_MESSAGE(key, ours->has(key));
        CPPUNIT_ASSERT_EQUAL_MESSAGE(key, Poco::Dynamic::Var::toString(value),
                                     Poco::Dynamic::Var::toString(ours->get(key)));
      }
    }
  }

  void result_survives_a_round_trip() {
    UpgradeResult result = parse(flydeploy::kResultCompleted);
    result.status = UpgradeStatus::rolled_back;
    result.error = "the new code exited with status 1";
    result.step = "resumed";
    result.version = "1.2.0";
    result.sequence = 9007199254740991ULL;
    result.observed_digest = std::string(64, 'b');
    result.suspend_duration_ms = 9.25;
    result.output = {"Traceback", "\tKeyError: 'X'"};
    result.exit_status = 1;
    result.signal = "SEGV";
    const UpgradeResult read = parse(result.to_json());
    CPPUNIT_ASSERT(read.status == UpgradeStatus::rolled_back);
    CPPUNIT_ASSERT_EQUAL(result.to_json(), read.to_json());
    CPPUNIT_ASSERT(result.output == read.output && read.exit_status == 1 && read.signal == "SEGV");
    CPPUNIT_ASSERT_EQUAL(9.25, read.suspend_duration_ms.value());
    CPPUNIT_ASSERT_EQUAL(result.sequence, read.sequence);
    CPPUNIT_ASSERT_EQUAL(false, json_of(result.to_json())->getValue<bool>("success"));
  }

  void a_failure_that_will_be_tried_again_is_pending() {
    UpgradeResult result;
    result.machine_id = "m";
    result.step = "staged";
    result.error = "it exited with status 3";
    result.retry_at = "2026-11-20T21:10:00.000000Z";
    const UpgradeResult read = parse(result.to_json());
    CPPUNIT_ASSERT(!read.final() && read.waits_for_retry());
    CPPUNIT_ASSERT_EQUAL(result.error, read.error);
    CPPUNIT_ASSERT_EQUAL(result.retry_at, read.retry_at);
    const auto older = parse(R"({"machine_id":"m","status":"failed","retry_at":"2026-11-20T21:10:00.000000Z"})");
    CPPUNIT_ASSERT_MESSAGE("older sidecars call it failed", !older.final() && older.waits_for_retry());
    CPPUNIT_ASSERT(parse(R"({"machine_id":"m","status":"failed","retry_at":null})").final());
  }

  void pending_result_claims_no_success() {
    UpgradeResult result;
    result.machine_id = "m";
    const auto json = json_of(result.to_json());
    CPPUNIT_ASSERT_EQUAL(std::string("pending"), json->getValue<std::string>("status"));
    CPPUNIT_ASSERT(!json->has("success") && !json->has("applied_at"));
  }

  void writes_valid_json_whatever_the_app_said() {
    UpgradeResult result;
    result.status = UpgradeStatus::failed;
    result.machine_id = "m";
    result.error = std::string("\x00\x1b\xFF\"\\ \xC3", 7);
    result.total_duration_ms = std::numeric_limits<double>::quiet_NaN();
    result.suspend_duration_ms = std::numeric_limits<double>::infinity();
    const UpgradeResult read = parse(result.to_json());
    CPPUNIT_ASSERT(!read.total_duration_ms && !read.suspend_duration_ms);
    CPPUNIT_ASSERT_EQUAL(std::string("\x00\x1b\xEF\xBF\xBD\"\\ \xEF\xBF\xBD", 11), read.error);
  }

  void an_error_of_any_length_arrives() {
    UpgradeResult result;
    result.machine_id = "m";
    result.status = UpgradeStatus::failed;
    result.error = "it said: x" + std::string(1'000'000, '\x01');
    CPPUNIT_ASSERT(result.to_json().size() < kMaxMachineStateBytes);
    CPPUNIT_ASSERT(parse(result.to_json()).error.starts_with("it said: x"));

    std::string accents;
    for (int i = 0; i < 5000; ++i) accents += "\xC3\xA9";
    result.error = "x" + accents;
    CPPUNIT_ASSERT_EQUAL("x" + accents.substr(0, 1996) + "...", parse(result.to_json()).error);
    const std::string foreign = R"({"machine_id":"m","status":"failed","error":")" + std::string(60'000, 'y') + "\"}";
    CPPUNIT_ASSERT_EQUAL(std::string(1997, 'y') + "...", parse(foreign).error);
  }

  void only_so_much_of_an_output_is_kept() {
    UpgradeResult result;
    result.machine_id = "m";
    result.status = UpgradeStatus::failed;
    for (int i = 1; i <= 100; ++i) result.output.push_back("line " + std::to_string(i));
    UpgradeResult read = parse(result.to_json());
    CPPUNIT_ASSERT_EQUAL(UpgradeResult::kMaxOutputLines, read.output.size());
    CPPUNIT_ASSERT_EQUAL(std::string("line 100"), read.output.back());
    result.output = {std::string(UpgradeResult::kMaxOutputBytes - 3, 'x'), "y", "zz"};
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, parse(result.to_json()).output.size());
    result.output.emplace_back("one too many");
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, parse(result.to_json()).output.size());
  }

  void refuses_results_of_wrong_shape() {
    for (const char* text : {"{}", R"({"machine_id":"m"})", R"({"machine_id":"m","status":"done"})",
                             R"({"machine_id":"m","status":"failed","error":5})",
                             R"({"machine_id":"m","status":"failed","module_names":"x"})",
                             R"({"machine_id":"m","status":"failed","total_duration_ms":"5"})"})
      assert_fails(UpgradeResult::parse(text, "result.json"), Errc::corrupt, "result.json");
    assert_fails(UpgradeResult::parse(std::string(kMaxMachineStateBytes + 1, ' '), "result.json"), Errc::corrupt,
                 "longer");
  }

  void record_survives_a_round_trip() {
    MachineRecord record;
    record.name() = {"1.2.0", std::string(64, 'c'), "hot", "base", 7};
    record.machine_id = "28715e9ad77189";
    record.region = "iad";
    record.process_group = "web";
    record.fingerprint = fingerprint_of("base", "hot");
    record.state = MachineState::serving;
    record.sidecar_version = "0.1.0";
    record.booted_at = "2026-11-20T21:00:00.000000Z";
    record.updated_at = "2026-11-20T21:09:00.000000Z";
    record.draining = {{"1.1.0", "2026-11-20T21:08:00Z", "2026-11-20T21:08:30Z", 1, 2, 3}, {"", "", "", 0, 0, 0}};
    const MachineRecord read = value_of(MachineRecord::parse(record.to_json(), "m.json"));
    CPPUNIT_ASSERT_EQUAL(record.to_json(), read.to_json());
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), read.draining.size());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), read.draining.front().streaming);
    CPPUNIT_ASSERT(read.state == MachineState::serving);
    CPPUNIT_ASSERT_EQUAL(record.process_group, read.process_group);
    CPPUNIT_ASSERT_EQUAL(record.hot_ref, read.hot_ref);
    CPPUNIT_ASSERT_EQUAL(record.digest, read.digest);
    CPPUNIT_ASSERT_EQUAL(record.sequence, read.sequence);
    CPPUNIT_ASSERT_EQUAL(record.updated_at, read.updated_at);
  }

  void what_is_odd_of_a_drain_hides_no_machine() {
    const char* const odd = R"({"machine_id":"m","draining":[5,{"version":7,"busy":-1,"idle":2}]})";
    const MachineRecord read = value_of(MachineRecord::parse(odd, "m.json"));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), read.draining.size());
    CPPUNIT_ASSERT_EQUAL(std::string(), read.draining.front().version);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(2), read.draining.front().idle);
  }

  void record_on_the_base_image_has_null_for_the_release() {
    MachineRecord record;
    record.machine_id = "m";
    const std::string text = record.to_json();
    const auto json = json_of(text);
    for (const char* key : {"hot_ref", "version", "digest"}) CPPUNIT_ASSERT(json->has(key) && json->isNull(key));
    CPPUNIT_ASSERT(value_of(MachineRecord::parse(text, "m.json")).hot_ref.empty());
  }

  void a_state_that_nobody_knows_hides_no_machine() {
    for (const char* text : {R"({"machine_id":"m","state":"hibernating"})", R"({"machine_id":"m"})"}) {
      const auto record = value_of(MachineRecord::parse(text, "m.json"));
      CPPUNIT_ASSERT(record.state == MachineState::unknown);
      CPPUNIT_ASSERT_EQUAL(std::string(), json_of(record.to_json())->getValue<std::string>("state"));
    }
    for (const auto state : {MachineState::serving, MachineState::swapping, MachineState::stopped}) {
      MachineRecord record;
      record.machine_id = "m";
      record.state = state;
      CPPUNIT_ASSERT(value_of(MachineRecord::parse(record.to_json(), "m.json")).state == state);
    }
  }

  void refuses_records_of_wrong_shape() {
    for (const char* text :
         {"", "{}", R"({"machine_id":5})", R"({"machine_id":"m","sequence":"7"})", R"({"machine_id":"m","state":{}})"})
      assert_fails(MachineRecord::parse(text, "m.json"), Errc::corrupt, "m.json");
  }

  void fingerprint_depends_on_both_refs() {
    // printf 'base\nhot' | sha256sum
    CPPUNIT_ASSERT_EQUAL(std::string("48408b7c32aa"), fingerprint_of("base", "hot"));
    CPPUNIT_ASSERT(fingerprint_of("base", "") != fingerprint_of("base", "hot"));
    CPPUNIT_ASSERT(fingerprint_of("basehot", "") != fingerprint_of("base", "hot"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MachineStateTest, "machine_state");

}  // namespace midair
