/// @file
/// A store thread whose clock, store and loop belong to the test.
#pragma once

#include <cppunit/TestFixture.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "forwarding_store.h"
#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/memory_object_store.h"
#include "release/tarball_source.h"
#include "result_asserts.h"
#include "temp_dir.h"
#include "ticking_clock.h"
#include "watch/store_thread.h"

namespace midair::sidecar {

using namespace std::chrono_literals;

/// A stand-in for the event loop: what is posted runs on the thread of the test.
class PostedWork {
 public:
  void post(std::function<void()> work) {
    {
      const std::scoped_lock lock(mutex_);
      work_.push_back(std::move(work));
    }
    posted_.notify_all();
  }
  void await_work() {
    std::unique_lock lock(mutex_);
    posted_.wait(lock, [&] { return !work_.empty(); });
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
  std::condition_variable posted_;
  std::deque<std::function<void()>> work_;
};

/// A store in memory whose reads can be counted, failed and hung.
class WatchedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  Result<GetAnswer> get(const GetRequest& request, ByteSink& sink, const CallLimits& limits) override {
    if (auto hung = heads_only_ ? Result<void>() : hang(limits); !hung) return std::move(hung).error();
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
  /// The same for those who ask for the size of an object, as staging does first.
  void hang_heads() {
    heads_only_ = true;
    hang(true);
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
  std::atomic<bool> heads_only_{false};
};

inline const CallLimits kLimits{5s};
inline constexpr std::chrono::milliseconds kInterval{10};  // of polls; the clock stands still in between

/// What the suites about the store thread share.
class StoreThreadFixture : public CppUnit::TestFixture {
 public:
  void tearDown() override { thread_.reset(); }

 protected:
  TempDir temp_;
  TickingClock clock_;
  PostedWork loop_;
  MemoryObjectStore memory_;
  WatchedStore store_{memory_};
  const Identity identity_{"shop", "m1", "fra", "", "base"};
  DigestTrustPolicy policy_{{"handover"}};
  StateDir state_ = value_of(StateDir::open(temp_ / "state"));
  TarballSource source_{state_, store_};
  WritableLinks links_{state_, "/nonexistent", {}};
  Stager stager_{state_, source_, links_};
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
    events.on_rejected = [this](Rejection rejection) {
      rejections_.push_back(std::move(rejection.error));
      named_.push_back(std::move(rejection.named));
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
  /// Waits until that many stagings have ended, and takes what was delivered.
  void await_staged(std::size_t count) {
    while (staged_.size() < count) {
      loop_.await_work();
      loop_.run_posted();
    }
    CPPUNIT_ASSERT_EQUAL(count, staged_.size());
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
};

}  // namespace midair::sidecar
