#include "watch/store_thread.h"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <deque>
#include <vector>

#include "forwarding_store.h"
#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/memory_object_store.h"
#include "release/tarball_source.h"
#include "result_asserts.h"
#include "temp_dir.h"
#include "ticking_clock.h"

namespace midair::sidecar {

namespace {

using namespace std::chrono_literals;

/// A stand-in for the event loop: what is posted runs on the thread of the test.
class Loop {
 public:
  void post(std::function<void()> work) {
    const std::scoped_lock lock(mutex_);
    work_.push_back(std::move(work));
  }
  [[nodiscard]] bool has_work() {
    const std::scoped_lock lock(mutex_);
    return !work_.empty();
  }
  void run_posted() {
    std::deque<std::function<void()>> work;
    {
      const std::scoped_lock lock(mutex_);
      work.swap(work_);
    }
    for (const auto& item : work) item();
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> work_;
};

/// A store in memory whose reads can be counted, failed and hung.
class WatchedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    if (auto hung = hang(limits); !hung) return std::move(hung).error();
    ++gets;
    if (request.if_none_match.empty()) ++unconditional_gets;
    const std::scoped_lock lock(mutex_);
    if (failure_) return *failure_;
    if (!body_.empty()) {
      MIDAIR_TRY(sink.write(body_));
      return GetAnswer{false, "\"portal\"", body_.size()};
    }
    return ForwardingStore::get(request, sink, limits);
  }
  Result<ObjectInfo> head(const std::string& key, const CallLimits& limits) override {
    if (auto hung = hang(limits); !hung) return std::move(hung).error();
    return ForwardingStore::head(key, limits);
  }

  void fail(std::optional<Error> failure) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(failure);
  }
  /// Answers every read with `body`, as a captive portal does; empty: no more.
  void answer_everything_with(std::string body) {
    const std::scoped_lock lock(mutex_);
    body_ = std::move(body);
  }
  /// Whoever calls from now on waits for its stop token or for false.
  void hang(bool yes) {
    {
      const std::scoped_lock lock(mutex_);
      hang_ = yes;
    }
    changed_.notify_all();
  }
  /// Waits until that many callers hang.
  void await_hanging(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hanging_ == count; });
  }

  std::atomic<int> gets{0}, unconditional_gets{0};

 private:
  Result<void> hang(const CallLimits& limits) {
    std::unique_lock lock(mutex_);
    if (!hang_) return {};
    ++hanging_;
    changed_.notify_all();
    changed_.wait(lock, limits.stop, [&] { return !hang_; });
    --hanging_;
    changed_.notify_all();
    if (hang_) return Error{Errc::cancelled, "read", "it", "stopped"};
    return {};
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  int hanging_ = 0;
  std::optional<Error> failure_;
  std::string body_;
  bool hang_ = false;
};

const CallLimits kLimits{5s};
constexpr std::chrono::milliseconds kInterval{10};  // of polls; the clock stands still in between

}  // namespace

class StoreThreadTest : public CppUnit::TestFixture {
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
  CPPUNIT_TEST(reports_are_sent_at_once_between_polls);
  CPPUNIT_TEST(the_last_reports_are_sent_at_the_end);
  CPPUNIT_TEST(staging_that_fails_is_reported);
  CPPUNIT_TEST(a_cancelled_staging_ends_and_says_nothing);
  CPPUNIT_TEST(a_newer_staging_replaces_the_older);
  CPPUNIT_TEST(stop_is_prompt_while_the_store_hangs);
  CPPUNIT_TEST(stop_is_prompt_while_staging_hangs);
  CPPUNIT_TEST(a_thread_that_never_started_stops);
  CPPUNIT_TEST(a_store_that_throws_does_not_end_the_thread);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;
  TickingClock clock_;
  Loop loop_;
  MemoryObjectStore memory_;
  WatchedStore store_{memory_};
  const Identity identity_{"shop", "m1", "fra", "", "base"};
  DigestTrustPolicy policy_{{"handover"}};
  StateDir state_ = value_of(StateDir::open(temp_ / "state"));
  TarballSource source_{state_, store_};
  Stager stager_{state_, source_};
  Reporter reporter_{store_, "shop", identity_, clock_};

  std::vector<Decision> decisions_;
  std::vector<Error> rejections_;
  std::vector<Target> named_;
  std::vector<Result<StagedRelease>> staged_;
  std::unique_ptr<StoreThread> thread_;

  static StoreThread::Settings quick() {
    StoreThread::Settings settings;
    settings.interval = kInterval;
    settings.max_backoff = 4 * kInterval;
    settings.call_deadline = 5s;
    return settings;
  }
  static StoreThread::Settings slow() {
    StoreThread::Settings settings = quick();
    settings.interval = 1h;
    settings.max_backoff = 1h;
    return settings;
  }

  StoreThread& make(const StoreThread::Settings& settings) {
    StoreThread::Events events;
    events.on_pointer = [this](Decision decision, const Etag& etag) {
      CPPUNIT_ASSERT(!etag.empty());
      decisions_.push_back(std::move(decision));
    };
    events.on_rejected = [this](Error error, Target named) {
      rejections_.push_back(std::move(error));
      named_.push_back(std::move(named));
    };
    events.on_staged = [this](Result<StagedRelease> staged) { staged_.push_back(std::move(staged)); };
    thread_ = std::make_unique<StoreThread>(
        store_, policy_, stager_, reporter_, identity_, settings,
        [this](std::function<void()> work) { loop_.post(std::move(work)); }, std::move(events), clock_);
    return *thread_;
  }
  StoreThread& start(const StoreThread::Settings& settings) {
    make(settings).start();
    return *thread_;
  }

  void publish(const std::string& version, std::uint64_t sequence) {
    HotUpgrade upgrade;
    upgrade.name() = {version, std::string(64, '7'), "shop:deployment-01" + std::to_string(sequence), "base", sequence};
    upgrade.tarball_url = memory_.url_of("releases/shop-" + version + ".tar.gz");
    upgrade.size = 1000;
    Pointer pointer = Pointer::for_base_image("base", "now");
    pointer.set_hot_upgrade(upgrade, "now");
    put("releases/shop-current.json", pointer.to_json());
  }
  void put(const std::string& key, const std::string& text) {
    value_of(put_text(memory_, key, text, PutCondition::none(), kLimits));
  }
  [[nodiscard]] static Target target(const std::string& version) {
    Target target;
    target.version = version;
    target.key = "releases/shop-" + version + ".tar.gz";
    target.digest = std::string(64, '7');
    target.strategy = "handover";
    target.size = 1000;
    return target;
  }

  /// Waits until the thread has done all there is to do by now, and takes what it delivered.
  void idle() {
    clock_.await_idle();
    loop_.run_posted();
  }
  /// Has it poll that often, at the time for it.
  void poll(int times = 1) {
    for (int i = 0; i < times; ++i) poll_after(kInterval + kInterval / 10);
  }
  /// Moves the clock, and has it do what is due.
  void poll_after(std::chrono::milliseconds pause) {
    idle();
    clock_.advance(pause);
    idle();
  }
  void assert_decisions(std::size_t count) { CPPUNIT_ASSERT_EQUAL(count, decisions_.size()); }
  [[nodiscard]] std::uint64_t polls() const { return thread_->status().polls; }

 public:
  void tearDown() override { thread_.reset(); }

 private:
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
                       {[](const Decision&, const Etag&) {}, [](const Error&, const Target&) {}, [](const auto&) {}});
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
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, staged_.size());
    assert_fails(staged_[0], Errc::not_found);
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
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, staged_.size());
    CPPUNIT_ASSERT(staged_[0].error().subject.find("shop-2") != std::string::npos);

    thread_->stage(target("3"));
    clock_.await_idle();  // it is done, and its end is posted, before it is cancelled
    CPPUNIT_ASSERT(loop_.has_work());
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
    idle();
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, staged_.size());
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
        {[](const Decision&, const Etag&) {}, [](const Error&, const Target&) {}, [](const auto&) {}}, clock_);
    thread.start();
    for (int i = 0; i < 3; ++i) poll_after(4 * kInterval);
    CPPUNIT_ASSERT(thread.status().errors >= 3);
    CPPUNIT_ASSERT(thread.status().last_error.find("cannot happen") != std::string::npos);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StoreThreadTest, "store_thread");

}  // namespace midair::sidecar
