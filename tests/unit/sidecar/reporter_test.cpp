#include "watch/reporter.h"

#include <cppunit/extensions/HelperMacros.h>

#include <thread>
#include <vector>

#include "forwarding_store.h"
#include "midair/store/memory_object_store.h"
#include "result_asserts.h"

namespace midair::sidecar {

namespace {

/// Fails what it is told to fail, and counts.
class FlakyStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                   const CallLimits& limits) override {
    ++puts;
    if (during_put) during_put();
    if (failure && key.find(failing_key) != std::string::npos) return *failure;
    return ForwardingStore::put(key, body, condition, limits);
  }

  int puts = 0;
  std::optional<Error> failure;
  std::string failing_key;
  std::function<void()> during_put;
};

}  // namespace

class ReporterTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ReporterTest);
  CPPUNIT_TEST(nothing_to_say_costs_nothing);
  CPPUNIT_TEST(a_result_arrives_under_its_key_with_who_we_are);
  CPPUNIT_TEST(a_record_arrives_with_who_we_are);
  CPPUNIT_TEST(only_the_newest_of_a_key_is_sent);
  CPPUNIT_TEST(what_is_reported_while_sending_is_sent_too);
  CPPUNIT_TEST(a_lost_report_is_sent_again_when_due);
  CPPUNIT_TEST(the_server_may_ask_for_more_patience);
  CPPUNIT_TEST(one_report_that_is_not_taken_does_not_hold_up_the_others);
  CPPUNIT_TEST(being_stopped_is_no_failure);
  CPPUNIT_TEST(a_long_silence_keeps_the_newest_only);
  CPPUNIT_TEST(news_wake_whoever_flushes);
  CPPUNIT_TEST(reports_may_come_from_another_thread);
  CPPUNIT_TEST_SUITE_END();

  MemoryObjectStore memory_;
  FlakyStore store_{memory_};
  ManualClock clock_;
  Reporter reporter_{store_, "shop", Identity{"shop", "m1", "fra", "web", "base"}, clock_};
  const CallLimits limits_{std::chrono::seconds(5)};

  static UpgradeResult with_step(const std::string& step) {
    UpgradeResult result;
    result.step = step;
    return result;
  }
  [[nodiscard]] UpgradeResult stored(const std::string& upgrade_id) {
    const std::string key = "releases/shop-results/" + upgrade_id + "/m1.json";
    return value_of(UpgradeResult::parse(value_of(get_text(memory_, key, kMaxMachineStateBytes, limits_)).text, key));
  }
  [[nodiscard]] std::size_t stored_results() {
    return value_of(memory_.list("releases/shop-results/", limits_)).size();
  }
  void wait_for(std::optional<std::chrono::milliseconds> delay) {
    CPPUNIT_ASSERT(delay);
    clock_.advance(*delay);
  }

  void nothing_to_say_costs_nothing() {
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(0, store_.puts);
  }

  void a_result_arrives_under_its_key_with_who_we_are() {
    reporter_.result("01ABC", with_step("staged"));
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::string("staged"), stored("01ABC").step);
    CPPUNIT_ASSERT_EQUAL(std::string("m1"), stored("01ABC").machine_id);
    CPPUNIT_ASSERT_EQUAL(std::string("fra"), stored("01ABC").region);
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(1, store_.puts);
  }

  void a_record_arrives_with_who_we_are() {
    MachineRecord record;
    record.state = MachineState::serving;
    reporter_.record(record);
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    const std::string key = "releases/shop-machines/m1.json";
    const auto read =
        value_of(MachineRecord::parse(value_of(get_text(memory_, key, kMaxMachineStateBytes, limits_)).text, key));
    CPPUNIT_ASSERT_EQUAL(std::string("m1"), read.machine_id);
    CPPUNIT_ASSERT_EQUAL(std::string("fra"), read.region);
    CPPUNIT_ASSERT_EQUAL(std::string("web"), read.process_group);
    CPPUNIT_ASSERT_EQUAL(std::string("base"), read.base_image_ref);
    CPPUNIT_ASSERT(read.state == MachineState::serving);
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall()), read.updated_at);
  }

  void only_the_newest_of_a_key_is_sent() {
    for (const char* step : {"fetching", "staged", "committed"}) reporter_.result("A", with_step(step));
    reporter_.result("B", with_step("other"));
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(2, store_.puts);
    CPPUNIT_ASSERT_EQUAL(std::string("committed"), stored("A").step);
  }

  void what_is_reported_while_sending_is_sent_too() {
    reporter_.result("A", with_step("staged"));
    store_.during_put = [&] {
      if (store_.puts == 1) reporter_.result("A", with_step("committed"));
    };
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(2, store_.puts);
    CPPUNIT_ASSERT_EQUAL(std::string("committed"), stored("A").step);
  }

  void a_lost_report_is_sent_again_when_due() {
    store_.failure = Error{Errc::unavailable, "store", "it", "no route"};
    reporter_.result("A", with_step("committed"));
    std::chrono::milliseconds longest{0};
    for (int failures = 1; failures <= 12; ++failures) {
      const auto delay = reporter_.flush(limits_);
      CPPUNIT_ASSERT(delay && *delay <= std::chrono::minutes(1));
      CPPUNIT_ASSERT_EQUAL(failures, store_.puts);
      longest = std::max(longest, *delay);
      if (*delay > std::chrono::milliseconds(1)) {
        clock_.advance(*delay - std::chrono::milliseconds(1));  // too early: it isn't even tried
        CPPUNIT_ASSERT(reporter_.flush(limits_) == std::chrono::milliseconds(1));
        CPPUNIT_ASSERT_EQUAL(failures, store_.puts);
        clock_.advance(std::chrono::milliseconds(1));
      } else {
        clock_.advance(*delay);
      }
    }
    CPPUNIT_ASSERT(longest > std::chrono::seconds(1));  // it grew
    store_.failure.reset();
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::string("committed"), stored("A").step);
  }

  void the_server_may_ask_for_more_patience() {
    store_.failure = Error{Errc::throttled, "store", "it", "slow down"};
    store_.failure->retry_after = std::chrono::minutes(3);
    reporter_.result("A", with_step("committed"));
    CPPUNIT_ASSERT(reporter_.flush(limits_) >= std::chrono::minutes(3));
  }

  void one_report_that_is_not_taken_does_not_hold_up_the_others() {
    store_.failure = Error{Errc::denied, "store", "it", "403"};
    store_.failing_key = "shop-machines";
    reporter_.record(MachineRecord());
    reporter_.result("A", with_step("committed"));
    wait_for(reporter_.flush(limits_));
    wait_for(reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::string("committed"), stored("A").step);
  }

  void being_stopped_is_no_failure() {
    store_.failure = Error{Errc::cancelled, "store", "it", "stopped"};
    reporter_.result("A", with_step("committed"));
    CPPUNIT_ASSERT(reporter_.flush(limits_) == std::chrono::milliseconds(0));
    store_.failure.reset();
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, stored_results());
  }

  void a_long_silence_keeps_the_newest_only() {
    for (int i = 0; i < 100; ++i) reporter_.result("U" + std::to_string(i), with_step("failed"));
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::size_t{32}, stored_results());
    CPPUNIT_ASSERT_EQUAL(std::string("failed"), stored("U99").step);
  }

  void news_wake_whoever_flushes() {
    int woken = 0;
    reporter_.on_news([&] { ++woken; });
    reporter_.result("A", with_step("staged"));
    reporter_.record(MachineRecord());
    CPPUNIT_ASSERT_EQUAL(2, woken);
    reporter_.on_news(nullptr);
    reporter_.result("A", with_step("staged"));
    CPPUNIT_ASSERT_EQUAL(2, woken);
  }

  void reports_may_come_from_another_thread() {
    std::thread loop([&] {
      for (int i = 0; i < 500; ++i) reporter_.result("A", with_step(std::to_string(i)));
    });
    for (int i = 0; i < 100; ++i) CPPUNIT_ASSERT(!reporter_.flush(limits_));
    loop.join();
    CPPUNIT_ASSERT(!reporter_.flush(limits_));
    CPPUNIT_ASSERT_EQUAL(std::string("499"), stored("A").step);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ReporterTest, "reporter");

}  // namespace midair::sidecar
