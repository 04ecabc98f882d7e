#include "store_thread_fixture.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::sidecar {

class StoreThreadTest : public StoreThreadFixture {
  CPPUNIT_TEST_SUITE(StoreThreadTest);
  CPPUNIT_TEST(the_first_pointer_is_delivered_once_and_then_costs_only_a_304);
  CPPUNIT_TEST(a_change_is_delivered);
  CPPUNIT_TEST(no_pointer_is_no_release);
  CPPUNIT_TEST(a_pointer_that_vanishes_is_no_order);
  CPPUNIT_TEST(a_refused_pointer_is_rejected_once);
  CPPUNIT_TEST(html_is_rejected_once_and_never_a_change);
  CPPUNIT_TEST(errors_back_off_and_end);
  CPPUNIT_TEST(now_and_then_the_pointer_is_read_unconditionally);
  CPPUNIT_TEST(poll_now_does_not_wait_for_the_interval);
  CPPUNIT_TEST(reconsider_delivers_the_last_pointer_again);
  CPPUNIT_TEST(a_lower_sequence_is_rejected_after_reconsider);
  CPPUNIT_TEST(one_poll_for_the_boot);
  CPPUNIT_TEST(the_boot_does_not_wait_beyond_its_deadline);
  CPPUNIT_TEST(what_the_boot_read_is_not_delivered_again);
  CPPUNIT_TEST_SUITE_END();

  void the_first_pointer_is_delivered_once_and_then_costs_only_a_304() {
    publish("1", 1);
    start(quick());
    idle();
    assert_decisions(1);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), decisions_[0].target->version);
    poll(20);
    const auto status = thread_->status();
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{21}, status.polls);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{20}, status.not_modified);
    CPPUNIT_ASSERT_EQUAL(1, store_.unconditional_gets.load());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, status.errors);
    CPPUNIT_ASSERT_EQUAL(std::string(), status.last_error);
    CPPUNIT_ASSERT_EQUAL(value_of(memory_.head("releases/shop-current.json", kLimits)).etag, status.etag);
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall()), status.last_check);
    assert_decisions(1);
  }

  void a_change_is_delivered() {
    publish("1", 1);
    start(quick());
    idle();
    assert_decisions(1);
    publish("2", 2);
    poll();
    assert_decisions(2);
    CPPUNIT_ASSERT_EQUAL(std::string("2"), decisions_[1].target->version);
    publish("2", 2);  // another ETag, the same words
    poll(5);
    assert_decisions(2);
  }

  void no_pointer_is_no_release() {
    start(quick());
    poll(5);
    CPPUNIT_ASSERT(decisions_.empty() && rejections_.empty());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, thread_->status().errors);
    publish("1", 1);
    poll();
    assert_decisions(1);
  }

  void a_pointer_that_vanishes_is_no_order() {
    publish("1", 1);
    start(quick());
    idle();
    assert_ok(memory_.remove("releases/shop-current.json", kLimits));
    poll(5);
    CPPUNIT_ASSERT(decisions_.size() == 1 && rejections_.empty());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, thread_->status().errors);
  }

  void a_refused_pointer_is_rejected_once() {
    publish("1", 1);
    StoreThread::Settings settings = quick();
    settings.highest_sequence = 5;
    start(settings);
    poll(10);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rejections_.size());
    CPPUNIT_ASSERT(rejections_[0].code == Errc::refused);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), named_[0].version);
    CPPUNIT_ASSERT(!named_[0].upgrade_id.empty());
    CPPUNIT_ASSERT(thread_->status().last_error.find("rollback") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(1, store_.unconditional_gets.load());  // known by its ETag, refused without being read again
    publish("6", 6);
    poll();
    assert_decisions(1);
    CPPUNIT_ASSERT_EQUAL(std::string(), thread_->status().last_error);
  }

  void html_is_rejected_once_and_never_a_change() {
    publish("1", 1);
    start(quick());
    idle();
    store_.answer_everything_with("<html>Log in to the Wi-Fi</html>");
    for (int i = 0; i < 10; ++i) poll_after(4 * kInterval);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rejections_.size());
    CPPUNIT_ASSERT(rejections_[0].code == Errc::corrupt);
    CPPUNIT_ASSERT_EQUAL(std::string(), named_[0].upgrade_id);
    CPPUNIT_ASSERT(!thread_->status().last_error.empty());
    store_.answer_everything_with("");
    poll_after(4 * kInterval);
    CPPUNIT_ASSERT_EQUAL(std::string(), thread_->status().last_error);
    poll(5);
    assert_decisions(1);  // and the pointer that was known is known still
  }

  void errors_back_off_and_end() {
    store_.fail(Error{Errc::unavailable, "read", "the pointer", "no route to host"});
    StoreThread::Settings settings = quick();
    settings.max_backoff = 1h;
    start(settings);
    // The n-th pause is below 2^n intervals and half of that on average: within 300 there is room for some ten polls,
    // and for three hundred without backoff.
    for (int i = 0; i < 300; ++i) poll_after(kInterval);
    const auto status = thread_->status();
    CPPUNIT_ASSERT(status.errors >= 3 && status.errors < 40);
    CPPUNIT_ASSERT_EQUAL(status.polls, status.errors);
    CPPUNIT_ASSERT(status.last_error.find("no route to host") != std::string::npos);
    CPPUNIT_ASSERT(decisions_.empty() && rejections_.empty());

    store_.fail({});
    publish("1", 1);
    thread_->poll_now();
    idle();
    assert_decisions(1);
    poll(20);  // at every interval again
    CPPUNIT_ASSERT_EQUAL(status.polls + 21, polls());
    CPPUNIT_ASSERT_EQUAL(std::string(), thread_->status().last_error);
  }

  void now_and_then_the_pointer_is_read_unconditionally() {
    publish("1", 1);
    StoreThread::Settings settings = quick();
    settings.refresh = 30ms;
    start(settings);
    poll(12);  // in 132 ms, every third of them
    CPPUNIT_ASSERT_EQUAL(5, store_.unconditional_gets.load());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{8}, thread_->status().not_modified);
    assert_decisions(1);
  }

  void poll_now_does_not_wait_for_the_interval() {
    start(slow());
    idle();
    publish("1", 1);
    thread_->poll_now();
    idle();
    assert_decisions(1);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, polls());
  }

  void reconsider_delivers_the_last_pointer_again() {
    start(slow());
    thread_->reconsider(0);  // nothing was read yet
    idle();
    publish("1", 1);
    thread_->poll_now();
    idle();
    assert_decisions(1);
    thread_->reconsider(1);
    idle();
    assert_decisions(2);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), decisions_[1].target->version);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, polls());
  }

  void a_lower_sequence_is_rejected_after_reconsider() {
    publish("1", 1);
    start(quick());
    idle();
    assert_decisions(1);
    thread_->reconsider(2);
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rejections_.size());
    thread_->reconsider(0);  // what was trusted once stays trusted
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rejections_.size());
    publish("2", 2);
    poll();
    assert_decisions(2);
  }

  void one_poll_for_the_boot() {
    make(quick());
    CPPUNIT_ASSERT(!value_of(thread_->poll_once(5s)));
    publish("1", 1);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value_of(thread_->poll_once(5s))->target->version);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value_of(thread_->poll_once(5s))->target->version);
    store_.fail(Error{Errc::unavailable, "read", "the pointer", "down"});
    assert_fails(thread_->poll_once(5s), Errc::unavailable, "down");
    store_.fail({});
    store_.answer_everything_with("<html>");
    assert_fails(thread_->poll_once(5s), Errc::corrupt);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, polls());
  }

  void the_boot_does_not_wait_beyond_its_deadline() {
    class ImpatientStore final : public ForwardingStore {
     public:
      using ForwardingStore::ForwardingStore;
      Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
        deadline = limits.deadline;
        return ForwardingStore::get(request, sink, limits);
      }
      std::chrono::milliseconds deadline{};
    } store(memory_);
    StoreThread thread(store, policy_, stager_, reporter_, identity_, quick(), [](const std::function<void()>&) {},
                       {[](const Decision&, const Etag&) {}, [](const Rejection&) {}, [](const auto&) {}});
    CPPUNIT_ASSERT(thread.poll_once(1234ms).ok());
    CPPUNIT_ASSERT(store.deadline == 1234ms);
  }

  void what_the_boot_read_is_not_delivered_again() {
    publish("1", 1);
    make(quick());
    value_of(thread_->poll_once(5s));
    thread_->start();
    poll(5);
    CPPUNIT_ASSERT(decisions_.empty());
    publish("2", 2);
    poll();
    assert_decisions(1);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StoreThreadTest, "store_thread");

}  // namespace midair::sidecar
