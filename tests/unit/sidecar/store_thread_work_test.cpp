#include "store_thread_fixture.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::sidecar {

class StoreThreadWorkTest : public StoreThreadFixture {
  CPPUNIT_TEST_SUITE(StoreThreadWorkTest);
  CPPUNIT_TEST(reports_are_sent_at_once_between_polls);
  CPPUNIT_TEST(the_last_reports_are_sent_at_the_end);
  CPPUNIT_TEST(staging_that_fails_is_reported);
  CPPUNIT_TEST(a_newer_pointer_is_seen_while_staging_hangs);
  CPPUNIT_TEST(a_cancelled_staging_ends_and_says_nothing);
  CPPUNIT_TEST(a_newer_staging_replaces_the_older);
  CPPUNIT_TEST(stop_is_prompt_while_the_store_hangs);
  CPPUNIT_TEST(stop_is_prompt_while_staging_hangs);
  CPPUNIT_TEST(a_thread_that_never_started_stops);
  CPPUNIT_TEST(a_store_that_throws_does_not_end_the_thread);
  CPPUNIT_TEST_SUITE_END();

  void reports_are_sent_at_once_between_polls() {
    start(slow());
    idle();
    reporter_.result("01A", UpgradeResult());
    idle();
    CPPUNIT_ASSERT(memory_.head("releases/shop-results/01A/m1.json", kLimits).ok());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, polls());
  }

  void the_last_reports_are_sent_at_the_end() {
    start(slow());
    idle();
    store_.hang(true);
    thread_->poll_now();
    store_.await_hanging(1);
    reporter_.record(MachineRecord());  // nobody is free to send it
    thread_->stop();
    CPPUNIT_ASSERT(memory_.head("releases/shop-machines/m1.json", kLimits).ok());
  }

  void staging_that_fails_is_reported() {
    start(slow());
    thread_->stage(target("1"));
    await_staged(1);
    assert_fails(staged_[0], Errc::not_found);
  }

  void a_newer_pointer_is_seen_while_staging_hangs() {
    start(quick());
    idle();
    store_.hang_heads();
    thread_->stage(target("1"));
    store_.await_hanging(1);
    publish("2", 2);
    poll();
    assert_decisions(1);
    reporter_.result("01A", UpgradeResult());
    idle();
    CPPUNIT_ASSERT(memory_.head("releases/shop-results/01A/m1.json", kLimits).ok());
    CPPUNIT_ASSERT(staged_.empty());
  }

  void a_cancelled_staging_ends_and_says_nothing() {
    start(slow());
    idle();
    store_.hang(true);
    thread_->stage(target("1"));
    store_.await_hanging(1);
    thread_->cancel_stage();
    store_.await_hanging(0);
    store_.hang(false);
    thread_->stage(target("2"));
    await_staged(1);
    CPPUNIT_ASSERT(staged_[0].error().subject.find("shop-2") != std::string::npos);

    thread_->stage(target("3"));
    loop_.await_work();  // it is done, and its end is posted, before it is cancelled
    thread_->cancel_stage();
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, staged_.size());
  }

  void a_newer_staging_replaces_the_older() {
    start(slow());
    idle();
    store_.hang(true);
    thread_->stage(target("1"));
    store_.await_hanging(1);
    thread_->stage(target("2"));
    thread_->stage(target("3"));
    store_.hang(false);
    await_staged(1);
    CPPUNIT_ASSERT(staged_[0].error().subject.find("shop-3") != std::string::npos);
  }

  void assert_stops_promptly() {
    const auto begin = std::chrono::steady_clock::now();
    thread_->stop();
    CPPUNIT_ASSERT(std::chrono::steady_clock::now() - begin < 1s);
    thread_->stop();
    loop_.run_posted();
    CPPUNIT_ASSERT(decisions_.empty() && rejections_.empty() && staged_.empty());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, thread_->status().errors);
  }

  void stop_is_prompt_while_the_store_hangs() {
    store_.hang(true);
    start(quick());
    store_.await_hanging(1);
    assert_stops_promptly();
  }

  void stop_is_prompt_while_staging_hangs() {
    start(slow());
    idle();
    store_.hang(true);
    thread_->stage(target("1"));
    store_.await_hanging(1);
    assert_stops_promptly();
  }

  void a_thread_that_never_started_stops() {
    make(quick()).stop();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, polls());
  }

  void a_store_that_throws_does_not_end_the_thread() {
    class ThrowingStore final : public ForwardingStore {
     public:
      using ForwardingStore::ForwardingStore;
      Result<GetAnswer> get(const GetRequest&, ByteSink&, const CallLimits&) override {
        throw std::runtime_error("cannot happen");
      }
      Result<Etag> put(const std::string&, ByteSource&, const PutCondition&, const CallLimits&) override {
        throw std::runtime_error("cannot happen");
      }
    } store(memory_);
    Reporter reporter(store, "shop", identity_, clock_);
    reporter.record(MachineRecord());
    StoreThread thread(
        store, policy_, stager_, reporter, identity_, quick(), [](const std::function<void()>&) {},
        {[](const Decision&, const Etag&) {}, [](const Rejection&) {}, [](const auto&) {}}, clock_);
    thread.start();
    for (int i = 0; i < 3; ++i) poll_after(4 * kInterval);
    CPPUNIT_ASSERT(thread.status().errors >= 3);
    CPPUNIT_ASSERT(thread.status().last_error.find("cannot happen") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StoreThreadWorkTest, "store_thread_work");

}  // namespace midair::sidecar
