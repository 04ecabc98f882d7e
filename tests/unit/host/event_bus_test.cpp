#include "midair/host/event_bus.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "midair/host/upgrade/upgrade_events.h"

namespace midair::host {

namespace {

struct Ping {
  int number = 0;
};
std::string name_of(const Ping&) { return "ping"; }
Poco::JSON::Object fields_of(const Ping& ping) {
  Poco::JSON::Object json;
  json.set("number", ping.number);
  return json;
}

int number_in(const std::shared_ptr<const Event>& event) { return event->as<Ping>()->number; }

}  // namespace

class EventBusTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(EventBusTest);
  CPPUNIT_TEST(each_subscriber_of_a_topic_hears_all_of_it_in_order);
  CPPUNIT_TEST(nobody_hears_other_topics_or_after_the_end);
  CPPUNIT_TEST(a_handler_that_throws_harms_nobody);
  CPPUNIT_TEST(an_end_waits_for_the_handler_that_runs);
  CPPUNIT_TEST(many_publishers_and_subscribers_agree_on_the_order);
  CPPUNIT_TEST(a_subscription_may_outlive_the_bus);
  CPPUNIT_TEST(a_value_is_typed_for_who_knows_it_and_json_for_all);
  CPPUNIT_TEST_SUITE_END();

  InProcessEventBus bus_;

  void ping(int number, const std::string& topic = "a:1") { bus_.publish_value(topic, Ping{number}); }

  void each_subscriber_of_a_topic_hears_all_of_it_in_order() {
    std::vector<int> first, second;
    const auto one = bus_.subscribe("a:1", [&](const auto& event) { first.push_back(number_in(event)); });
    const auto two = bus_.subscribe("a:1", [&](const auto& event) { second.push_back(number_in(event)); });
    for (int i = 0; i < 3; ++i) ping(i);
    CPPUNIT_ASSERT(first == std::vector<int>({0, 1, 2}));
    CPPUNIT_ASSERT(first == second);
  }

  void nobody_hears_other_topics_or_after_the_end() {
    std::vector<int> heard;
    std::optional<Subscription> subscription =
        bus_.subscribe("a:1", [&](const auto& event) { heard.push_back(number_in(event)); });
    ping(1, "a:2");
    ping(2);
    subscription.reset();
    ping(3);
    CPPUNIT_ASSERT(heard == std::vector<int>{2});
  }

  void a_handler_that_throws_harms_nobody() {
    int heard = 0;
    const auto bad = bus_.subscribe("a:1", [](const auto&) { throw std::runtime_error("a subscriber's trouble"); });
    const auto good = bus_.subscribe("a:1", [&](const auto&) { ++heard; });
    ping(1);
    ping(2);
    CPPUNIT_ASSERT_EQUAL(2, heard);
  }

  void an_end_waits_for_the_handler_that_runs() {
    std::atomic<bool> inside = false, ended = false, was_early = false;
    std::optional<Subscription> subscription = bus_.subscribe("a:1", [&](const auto&) {
      inside = true;
      inside.notify_all();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      was_early = ended.load();
    });
    std::thread publisher([this] { ping(1); });
    inside.wait(false);
    subscription.reset();
    ended = true;
    publisher.join();
    CPPUNIT_ASSERT(!was_early);
  }

  void many_publishers_and_subscribers_agree_on_the_order() {
    std::vector<int> first, second;
    const auto one = bus_.subscribe("a:1", [&](const auto& event) { first.push_back(number_in(event)); });
    const auto two = bus_.subscribe("a:1", [&](const auto& event) { second.push_back(number_in(event)); });
    std::vector<std::thread> publishers;
    publishers.reserve(4);
    for (int thread = 0; thread < 4; ++thread)
      publishers.emplace_back([this, thread] {
        for (int i = 0; i < 200; ++i) {
          ping(thread * 1000 + i);
          const auto passing = bus_.subscribe("a:1", [](const auto&) {});
        }
      });
    for (auto& publisher : publishers) publisher.join();
    CPPUNIT_ASSERT_EQUAL(std::size_t{800}, first.size());
    CPPUNIT_ASSERT(first == second);
  }

  void a_subscription_may_outlive_the_bus() {
    auto bus = std::make_unique<InProcessEventBus>();
    const auto subscription = bus->subscribe("a:1", [](const auto&) {});
    bus.reset();
  }

  void a_value_is_typed_for_who_knows_it_and_json_for_all() {
    std::shared_ptr<const Event> heard;
    const auto subscription = bus_.subscribe("a:1", [&](const auto& event) { heard = event; });
    bus_.publish_value("a:1", UpgradeEvent{DeployLocked{7, std::chrono::microseconds(1500)}});
    const auto* upgrade = heard->as<UpgradeEvent>();
    CPPUNIT_ASSERT(upgrade != nullptr && heard->as<Ping>() == nullptr);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, std::get<DeployLocked>(*upgrade).fence);
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"event":"locked","fence":7,"took_ms":1.5})"), to_json(*heard));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(EventBusTest, "event_bus");

}  // namespace midair::host
