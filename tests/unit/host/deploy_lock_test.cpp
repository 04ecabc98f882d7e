#include "midair/host/publish/deploy_lock.h"

#include <cppunit/extensions/HelperMacros.h>

#include <barrier>
#include <thread>
#include <vector>

#include "fleet_doubles.h"
#include "midair/host/publish/lock_renewer.h"
#include "midair/json/json.h"

namespace midair::host {

using std::chrono::minutes;
using std::chrono::seconds;

class DeployLockTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(DeployLockTest);
  CPPUNIT_TEST(it_is_written_as_flydeploy_expects_it);
  CPPUNIT_TEST(of_many_takers_exactly_one_holds_it);
  CPPUNIT_TEST(of_many_forceful_takers_one_keeps_it);
  CPPUNIT_TEST(a_valid_lock_is_refused_at_once_naming_its_holder);
  CPPUNIT_TEST(an_expired_lock_is_taken_over_once_it_was_unchanged_for_the_timeout);
  CPPUNIT_TEST(an_expired_lock_that_moves_is_watched_anew);
  CPPUNIT_TEST(an_expired_lock_that_is_renewed_is_refused);
  CPPUNIT_TEST(an_expired_lock_that_goes_is_taken_at_once);
  CPPUNIT_TEST(a_lock_that_makes_no_sense_is_watched_like_an_expired_one);
  CPPUNIT_TEST(an_expiry_beyond_what_a_lock_can_last_is_not_believed);
  CPPUNIT_TEST(a_holder_with_a_wrong_clock_is_left_alone_while_it_renews);
  CPPUNIT_TEST(a_longer_timeout_of_the_holder_is_believed);
  CPPUNIT_TEST(a_store_that_ignores_conditions_is_refused);
  CPPUNIT_TEST(on_a_store_that_ignores_conditions_a_lock_is_respected);
  CPPUNIT_TEST(trouble_with_the_second_request_gives_the_lock_back);
  CPPUNIT_TEST(force_takes_it_at_once_and_tells_who_lost_it);
  CPPUNIT_TEST(a_stop_ends_the_watch);
  CPPUNIT_TEST(a_lost_answer_still_holds);
  CPPUNIT_TEST(a_store_that_accepts_no_write_is_blamed);
  CPPUNIT_TEST(a_renewal_prolongs_it);
  CPPUNIT_TEST(a_lock_lost_to_another_is_neither_renewed_nor_released);
  CPPUNIT_TEST(a_lock_that_was_removed_is_lost);
  CPPUNIT_TEST(an_unrenewed_lock_is_not_held_after_the_timeout);
  CPPUNIT_TEST(trouble_with_the_store_does_not_lose_it);
  CPPUNIT_TEST(an_interrupted_acquisition_leaves_nothing_behind);
  CPPUNIT_TEST(an_interrupted_renewal_does_not_keep_it_from_being_released);
  CPPUNIT_TEST(the_fence_is_raised_and_never_lowered);
  CPPUNIT_TEST(a_fence_at_the_end_of_all_numbers_is_an_error);
  CPPUNIT_TEST(the_renewer_renews_until_it_goes);
  CPPUNIT_TEST_SUITE_END();

  const std::string key_ = kLayout.lock();
  MemoryObjectStore store_;
  ManualClock clock_;

  LockWorld world() { return {store_, clock_, moving(clock_)}; }
  static LockRequest request(const std::string& who, Force force = Force::no) {
    return {kLayout, who + "@host", "midair/web:deployment-" + who, minutes(5), force};
  }
  Result<std::unique_ptr<DeployLock>> take(const std::string& who, Force force = Force::no) {
    return DeployLock::acquire(world(), request(who, force), {});
  }
  LockRecord there() { return value_of(LockRecord::parse(text_at(store_, key_), key_)); }

  /// Somebody else's lock that expires `expires_in` from now.
  void others(std::chrono::seconds expires_in, std::uint64_t fence = 4) {
    LockRecord record{"peer@bench", format_rfc3339(clock_.wall() - minutes(4)), "deployment-PEER",
                      format_rfc3339(clock_.wall() + expires_in), fence};
    store_text(store_, key_, record.to_json());
  }

  void it_is_written_as_flydeploy_expects_it() {
    const auto lock = value_of(take("a"));
    CPPUNIT_ASSERT_EQUAL(R"({"deployment_id":"midair/web:deployment-a","expires_at":")" +
                             format_rfc3339(clock_.wall() + minutes(5)) + R"(","fence":1,"locked_at":")" +
                             format_rfc3339(clock_.wall()) + R"(","locked_by":"a@host","since":")" +
                             format_rfc3339(clock_.wall()) + R"("})",
                         text_at(store_, key_));
    const auto peers = LockRecord::parse(
        R"({"deployment_id":"d","expires_at":"2026-11-20T21:14:29.087820Z","locked_at":"l","locked_by":"peer@bench"})",
        key_);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, value_of(peers).fence);
  }

  void of_many_takers_exactly_one_holds_it() {
    constexpr int kTakers = 8;
    for (int round = 0; round < 20; ++round) {
      std::atomic<int> holders{0};
      std::atomic<int> refused{0};
      std::barrier everybody(kTakers);
      std::vector<std::jthread> takers;
      takers.reserve(kTakers);
      for (int i = 0; i < kTakers; ++i)
        takers.emplace_back([&, i] {
          everybody.arrive_and_wait();
          const auto lock = DeployLock::acquire(world(), request(std::to_string(i)), {});
          if (lock.ok()) ++holders;
          if (!lock.ok() && lock.error().code == Errc::precondition) ++refused;
          everybody.arrive_and_wait();  // nobody releases before all have tried
        });
      takers.clear();
      CPPUNIT_ASSERT_EQUAL(1, holders.load());
      CPPUNIT_ASSERT_EQUAL(kTakers - 1, refused.load());
      CPPUNIT_ASSERT(!exists(store_, key_));
    }
  }

  void of_many_forceful_takers_one_keeps_it() {
    constexpr int kTakers = 4;
    std::atomic<int> keepers{0};
    std::barrier everybody(kTakers);
    std::vector<std::jthread> takers;
    takers.reserve(kTakers);
    for (int i = 0; i < kTakers; ++i)
      takers.emplace_back([&, i] {
        everybody.arrive_and_wait();
        const auto lock = DeployLock::acquire(world(), request(std::to_string(i), Force::yes), {});
        everybody.arrive_and_wait();
        if (lock.ok() && (*lock)->renew().ok()) ++keepers;
        everybody.arrive_and_wait();
      });
    takers.clear();
    CPPUNIT_ASSERT_EQUAL(1, keepers.load());
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void a_valid_lock_is_refused_at_once_naming_its_holder() {
    others(seconds(60));
    const auto before = clock_.now();
    const auto lock = take("a");
    assert_fails(lock, Errc::precondition, "peer@bench holds it since " + format_rfc3339(clock_.wall() - minutes(4)));
    assert_fails(lock, Errc::precondition, "(4m ago) to deploy deployment-PEER");
    assert_fails(lock, Errc::precondition, "--force");
    CPPUNIT_ASSERT(clock_.now() == before);
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), there().locked_by);
  }

  void an_expired_lock_is_taken_over_once_it_was_unchanged_for_the_timeout() {
    others(seconds(-1));
    std::vector<std::chrono::nanoseconds> left;
    const auto before = clock_.now();
    auto world = this->world();
    world.watching = [&](const LockRecord& holder, std::chrono::nanoseconds more) {
      CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), holder.locked_by);
      left.push_back(more);
    };
    const auto lock = value_of(DeployLock::acquire(world, request("a"), {}));
    CPPUNIT_ASSERT(clock_.now() - before == minutes(5));
    CPPUNIT_ASSERT(left.front() == minutes(5) && left.back() == seconds(1));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, lock->fence());
    CPPUNIT_ASSERT_EQUAL(std::string("a@host"), there().locked_by);
  }

  void an_expired_lock_that_moves_is_watched_anew() {
    others(seconds(-10));
    const auto before = clock_.now();
    bool moved = false;
    auto world = this->world();
    world.pause = moving(clock_, [&] {
      if (moved || clock_.now() - before < minutes(4)) return;
      moved = true;
      others(seconds(-5), 7);
    });
    const auto lock = value_of(DeployLock::acquire(world, request("a"), {}));
    CPPUNIT_ASSERT(clock_.now() - before == minutes(9));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{8}, lock->fence());
  }

  void an_expired_lock_that_is_renewed_is_refused() {
    others(seconds(-10));
    auto world = this->world();
    world.pause = moving(clock_, [&] { others(minutes(2)); });
    assert_fails(DeployLock::acquire(world, request("a"), {}), Errc::precondition, "peer@bench");
  }

  void an_expired_lock_that_goes_is_taken_at_once() {
    others(seconds(-10));
    const auto before = clock_.now();
    auto world = this->world();
    world.pause = moving(clock_, [&] { assert_ok(store_.remove(key_, {})); });
    CPPUNIT_ASSERT(DeployLock::acquire(world, request("a"), {}).ok());
    CPPUNIT_ASSERT(clock_.now() - before == seconds(1));
  }

  void a_lock_that_makes_no_sense_is_watched_like_an_expired_one() {
    store_text(store_, key_, "<html>");
    const auto before = clock_.now();
    CPPUNIT_ASSERT(take("a").ok());
    CPPUNIT_ASSERT(clock_.now() - before == minutes(5));
  }

  /// A lock of somebody whose clock is ten years ahead.
  void from_the_future(std::uint64_t fence = 100) {
    const auto far = clock_.wall() + std::chrono::hours(24 * 365 * 10);
    const LockRecord record{"peer@bench", format_rfc3339(far), "d", format_rfc3339(far + minutes(1)), fence};
    store_text(store_, key_, record.to_json());
  }

  void an_expiry_beyond_what_a_lock_can_last_is_not_believed() {
    from_the_future();
    const auto before = clock_.now();
    const auto lock = value_of(take("a"));
    CPPUNIT_ASSERT(clock_.now() - before == minutes(5));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{101}, lock->fence());
    assert_ok(lock->release());

    others(std::chrono::hours(24 * 365));  // not even where it says that it was meant to last so long
    CPPUNIT_ASSERT(take("b").ok());
  }

  void a_holder_with_a_wrong_clock_is_left_alone_while_it_renews() {
    from_the_future();
    const auto before = clock_.now();
    auto world = this->world();
    world.pause = moving(clock_, [&] {
      if (clock_.now() - before == minutes(2)) from_the_future(101);
    });
    assert_fails(DeployLock::acquire(world, request("a"), {}), Errc::precondition, "peer@bench holds it");
    CPPUNIT_ASSERT(clock_.now() - before == minutes(2));
  }

  void a_longer_timeout_of_the_holder_is_believed() {
    others(minutes(20));
    auto brief = request("a");
    brief.timeout = seconds(2);
    assert_fails(DeployLock::acquire(world(), brief, {}), Errc::precondition, "peer@bench holds it");
  }

  /// Obeys every put.
  class ObedientStore : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition&, const CallLimits& limits) override {
      return ForwardingStore::put(key, body, PutCondition::none(), limits);
    }
  };

  void a_store_that_ignores_conditions_is_refused() {
    ObedientStore store(store_);
    const auto lock = DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {});
    assert_fails(lock, Errc::unavailable, "this store can't be used");
    assert_fails(lock, Errc::unavailable, "If-None-Match");
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void on_a_store_that_ignores_conditions_a_lock_is_respected() {
    ObedientStore store(store_);
    others(seconds(60));
    assert_fails(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}), Errc::precondition,
                 "peer@bench");
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), there().locked_by);
  }

  void trouble_with_the_second_request_gives_the_lock_back() {
    int puts = 0;
    ScriptedStore store(store_, [&](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "put" && ++puts == 2) return store_error(Errc::throttled);
      return {};
    });
    assert_fails(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}), Errc::throttled);
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void force_takes_it_at_once_and_tells_who_lost_it() {
    others(minutes(2), 9);
    const auto before = clock_.now();
    std::string loser;
    auto world = this->world();
    world.taken_over = [&](const LockRecord& holder) { loser = holder.locked_by; };
    const auto lock = value_of(DeployLock::acquire(world, request("a", Force::yes), {}));
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), loser);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{10}, lock->fence());
    CPPUNIT_ASSERT(clock_.now() == before);
  }

  void a_stop_ends_the_watch() {
    others(seconds(-10));
    std::stop_source source;
    auto world = this->world();
    world.pause = moving(clock_, [&] { source.request_stop(); });
    assert_fails(DeployLock::acquire(world, request("a"), source.get_token()), Errc::cancelled);
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), there().locked_by);
  }

  void a_lost_answer_still_holds() {
    LostAnswerStore deaf(store_, key_);
    {
      const auto lock = value_of(DeployLock::acquire({deaf, clock_, moving(clock_)}, request("a"), {}));
      assert_ok(lock->renew());
      CPPUNIT_ASSERT(lock->held());
      CPPUNIT_ASSERT_EQUAL(std::string("a@host"), there().locked_by);
    }
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void a_store_that_accepts_no_write_is_blamed() {
    ScriptedStore stubborn(store_, [](const std::string& verb, const std::string&) -> Result<void> {
      if (verb == "put") return store_error(Errc::precondition);
      return {};
    });
    assert_fails(DeployLock::acquire({stubborn, clock_, moving(clock_)}, request("a"), {}), Errc::unavailable,
                 "accepts no conditional write");
  }

  void a_renewal_prolongs_it() {
    const auto lock = value_of(take("a"));
    clock_.advance(minutes(4));
    assert_ok(lock->renew());
    clock_.advance(minutes(4));
    CPPUNIT_ASSERT(lock->held());
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall() + minutes(1)), there().expires_at);
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall() - minutes(4)), there().locked_at);
    CPPUNIT_ASSERT_EQUAL(format_rfc3339(clock_.wall() - minutes(8)), there().since);
    assert_fails(take("b"), Errc::precondition, "(8m ago)");
  }

  void a_lock_lost_to_another_is_neither_renewed_nor_released() {
    const auto first = value_of(take("a"));
    const auto second = value_of(take("b", Force::yes));
    CPPUNIT_ASSERT(first->held());  // it doesn't know yet
    assert_fails(first->renew(), Errc::precondition, "b@host");
    CPPUNIT_ASSERT(!first->held());
    assert_fails(first->renew(), Errc::precondition);
    assert_ok(first->release());
    CPPUNIT_ASSERT_EQUAL(std::string("b@host"), there().locked_by);

    auto third = value_of(take("c", Force::yes));
    assert_ok(second->release());  // lost without knowing
    CPPUNIT_ASSERT_EQUAL(std::string("c@host"), there().locked_by);
  }

  void a_lock_that_was_removed_is_lost() {
    const auto lock = value_of(take("a"));
    assert_ok(store_.remove(key_, {}));
    assert_fails(lock->renew(), Errc::precondition, "somebody removed it");
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void an_unrenewed_lock_is_not_held_after_the_timeout() {
    const auto lock = value_of(take("a"));
    clock_.advance(minutes(5) - seconds(1));
    CPPUNIT_ASSERT(lock->held());
    clock_.advance(seconds(1));
    CPPUNIT_ASSERT(!lock->held());
    assert_ok(lock->renew());  // nobody took it meanwhile
    CPPUNIT_ASSERT(lock->held());
  }

  void trouble_with_the_store_does_not_lose_it() {
    bool down = false;
    ScriptedStore store(store_, [&](const std::string&, const std::string&) -> Result<void> {
      if (down) return store_error();
      return {};
    });
    const auto lock = value_of(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}));
    down = true;
    assert_fails(lock->renew(), Errc::unavailable);
    CPPUNIT_ASSERT(lock->held());
    assert_fails(lock->release(), Errc::unavailable);
    down = false;
    assert_ok(lock->release());
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  /// Where writes are done, but answered with "cancelled": the lock doesn't know the ETag of what lies there.
  class InterruptedStore : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    bool interrupted = false;
    Result<Etag> put(const std::string& key, ByteSource& body, const PutCondition& condition,
                     const CallLimits& limits) override {
      auto etag = ForwardingStore::put(key, body, condition, limits);
      if (interrupted) return store_error(Errc::cancelled);
      return etag;
    }
  };

  void an_interrupted_acquisition_leaves_nothing_behind() {
    InterruptedStore store(store_);
    store.interrupted = true;
    assert_fails(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}), Errc::cancelled);
    CPPUNIT_ASSERT(!exists(store_, key_));

    others(minutes(2));
    assert_fails(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}), Errc::precondition,
                 "peer@bench");
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), there().locked_by);
  }

  void an_interrupted_renewal_does_not_keep_it_from_being_released() {
    InterruptedStore store(store_);
    const auto lock = value_of(DeployLock::acquire({store, clock_, moving(clock_)}, request("a"), {}));
    store.interrupted = true;
    clock_.advance(seconds(1));
    assert_fails(lock->renew(), Errc::cancelled);
    store.interrupted = false;
    assert_ok(lock->release());
    CPPUNIT_ASSERT(!exists(store_, key_));
  }

  void the_fence_is_raised_and_never_lowered() {
    const auto lock = value_of(take("a"));
    assert_ok(lock->raise_fence(12));
    assert_ok(lock->raise_fence(3));
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{12}, lock->fence());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{12}, there().fence);
  }

  void a_fence_at_the_end_of_all_numbers_is_an_error() {
    others(seconds(60), kMaxJsonInteger);
    assert_fails(take("a", Force::yes), Errc::refused, "no fence comes after 9007199254740991");
    CPPUNIT_ASSERT_EQUAL(std::string("peer@bench"), there().locked_by);
    assert_ok(store_.remove(key_, {}));
    const auto lock = value_of(take("a"));
    assert_ok(lock->raise_fence(kMaxJsonInteger));
    assert_fails(lock->raise_fence(kMaxJsonInteger + 1), Errc::refused);
    CPPUNIT_ASSERT(lock->held());
  }

  void the_renewer_renews_until_it_goes() {
    // The system's clock: the renewer's thread lives in real time.
    const auto lock = value_of(DeployLock::acquire({store_, system_clock(), pause}, request("a"), {}));
    {
      const LockRenewer renewer(*lock, std::chrono::milliseconds(1));
      const auto first = text_at(store_, key_);
      for (int i = 0; i < 5000 && text_at(store_, key_) == first; ++i) pause(std::chrono::milliseconds(1), {});
      CPPUNIT_ASSERT(text_at(store_, key_) != first);
    }
    CPPUNIT_ASSERT(lock->held());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(DeployLockTest, "deploy_lock");

}  // namespace midair::host
