#include "release/trust_policy.h"

#include <cppunit/extensions/HelperMacros.h>

#include "midair/release/layout.h"
#include "midair/release/pointer.h"
#include "midair/store/memory_object_store.h"
#include "result_asserts.h"
#include "swap/strategies/strategies.h"

namespace midair::sidecar {

class TrustPolicyTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(TrustPolicyTest);
  CPPUNIT_TEST(accepts_a_sound_pointer_and_names_the_target);
  CPPUNIT_TEST(the_last_good_release_is_a_target_of_any_sequence);
  CPPUNIT_TEST(a_refused_upgrade_is_told_from_others);
  CPPUNIT_TEST(the_last_good_release_keeps_to_the_rules);
  CPPUNIT_TEST(no_upgrade_is_nothing_to_install);
  CPPUNIT_TEST(an_upgrade_for_another_base_image_is_not_ours);
  CPPUNIT_TEST(a_pointer_for_no_base_image_is_nobodys);
  CPPUNIT_TEST(rules_do_not_matter_for_another_base_image);
  CPPUNIT_TEST(what_is_no_pointer_is_corrupt);
  CPPUNIT_TEST(refuses_another_apps_tarball);
  CPPUNIT_TEST(refuses_a_tarball_outside_our_store);
  CPPUNIT_TEST(refuses_a_tarball_of_another_version);
  CPPUNIT_TEST(refuses_a_missing_digest_or_size);
  CPPUNIT_TEST(refuses_a_tarball_that_is_too_big);
  CPPUNIT_TEST(refuses_a_lower_sequence_as_rollback);
  CPPUNIT_TEST(refuses_unusable_versions_and_refs);
  CPPUNIT_TEST(refuses_strategies_that_it_does_not_know);
  CPPUNIT_TEST(leaves_alone_what_requires_more_than_it_knows);
  CPPUNIT_TEST_SUITE_END();

  const Identity identity_{"shop", "m1", "fra", "web", "registry.fly.io/shop:base"};
  MemoryObjectStore store_;

  [[nodiscard]] HotUpgrade sound() const {
    HotUpgrade upgrade;
    upgrade.version = "1.4.0";
    upgrade.hot_ref = "registry.fly.io/shop:deployment-01K9ABC";
    upgrade.tarball_url = store_.url_of("releases/shop-1.4.0.tar.gz");
    upgrade.deployed_at = "2026-11-20T21:09:25.241415Z";
    upgrade.digest = std::string(64, '7');
    upgrade.size = 1000;
    upgrade.sequence = 12;
    upgrade.strategy = "handover";
    return upgrade;
  }

  [[nodiscard]] Result<Decision> decide(HotUpgrade upgrade, std::uint64_t highest = 0,
                                        const std::string& base = "registry.fly.io/shop:base") const {
    Pointer pointer = Pointer::for_base_image(base, upgrade.deployed_at);
    upgrade.base_image_ref = base;
    pointer.set_hot_upgrade(upgrade, upgrade.deployed_at);
    return DigestTrustPolicy(strategy_names(), 1'000'000).decide(pointer.to_json(), identity_, highest, store_);
  }

  template <class Change>
  void assert_refused(const std::string& words, Change change) const {
    HotUpgrade upgrade = sound();
    change(upgrade);
    assert_fails(decide(upgrade), Errc::refused, words);
  }

  void leaves_alone_what_requires_more_than_it_knows() {
    HotUpgrade upgrade = sound();
    upgrade.required_features = {"links"};
    CPPUNIT_ASSERT(value_of(decide(upgrade)).target);
    upgrade.required_features = {"links", "wings"};
    const auto decision = value_of(decide(upgrade));
    CPPUNIT_ASSERT(!decision.target);
    CPPUNIT_ASSERT_EQUAL(std::string("version 1.4.0 requires wings, which this sidecar doesn't know"), decision.reason);
  }

  void accepts_a_sound_pointer_and_names_the_target() {
    const auto decision = value_of(decide(sound(), 12));
    CPPUNIT_ASSERT(decision.target);
    const Target& target = *decision.target;
    CPPUNIT_ASSERT_EQUAL(std::string("01K9ABC"), target.upgrade_id);
    CPPUNIT_ASSERT_EQUAL(std::string("1.4.0"), target.version);
    CPPUNIT_ASSERT_EQUAL(sound().hot_ref, target.hot_ref);
    CPPUNIT_ASSERT_EQUAL(std::string("releases/shop-1.4.0.tar.gz"), target.key);
    CPPUNIT_ASSERT_EQUAL(sound().digest, target.digest);
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), target.strategy);
    CPPUNIT_ASSERT_EQUAL(identity_.base_image_ref, target.base_image_ref);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, target.size);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{12}, target.sequence);

    HotUpgrade unnamed = sound();
    unnamed.strategy.clear();
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), value_of(decide(unnamed)).target->strategy);
  }

  /// 1.4.0 with 1.3.0 as its last good release, which `change` may spoil.
  template <class Change>
  [[nodiscard]] Pointer with_last_good(Change change) const {
    HotUpgrade good = sound();
    good.version = "1.3.0";
    good.hot_ref = "registry.fly.io/shop:deployment-01K8GOOD";
    good.tarball_url = store_.url_of("releases/shop-1.3.0.tar.gz");
    good.base_image_ref = identity_.base_image_ref;
    good.sequence = 3;
    change(good);
    Pointer pointer = Pointer::for_base_image(good.base_image_ref, "then");
    pointer.set_hot_upgrade(good, "then");
    pointer.keep_as_last_good();
    HotUpgrade upgrade = sound();
    upgrade.base_image_ref = good.base_image_ref;
    pointer.set_hot_upgrade(upgrade, "now");
    return pointer;
  }

  void the_last_good_release_is_a_target_of_any_sequence() {
    const auto pointer = with_last_good([](HotUpgrade&) {});
    const auto decision =
        value_of(DigestTrustPolicy(strategy_names()).decide(pointer.to_json(), identity_, 12, store_));
    CPPUNIT_ASSERT(decision.target && !decision.refused);
    CPPUNIT_ASSERT_EQUAL(std::string("01K8GOOD"), decision.last_good->upgrade_id);
    CPPUNIT_ASSERT_EQUAL(std::string("releases/shop-1.3.0.tar.gz"), decision.last_good->key);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, decision.last_good->sequence);
  }

  void a_refused_upgrade_is_told_from_others() {
    auto pointer = with_last_good([](HotUpgrade&) {});
    pointer.refuse();
    CPPUNIT_ASSERT(
        value_of(DigestTrustPolicy(strategy_names()).decide(pointer.to_json(), identity_, 0, store_)).refused);
  }

  void the_last_good_release_keeps_to_the_rules() {
    const auto good_after = [&](auto change, const Identity& identity) {
      return DigestTrustPolicy(strategy_names()).last_good(with_last_good(change).to_json(), identity, store_);
    };
    CPPUNIT_ASSERT(good_after([](HotUpgrade&) {}, identity_));
    CPPUNIT_ASSERT(!good_after([](HotUpgrade& good) { good.digest.clear(); }, identity_));
    CPPUNIT_ASSERT(
        !good_after([](HotUpgrade& good) { good.tarball_url = "https://evil.example/x.tar.gz"; }, identity_));
    CPPUNIT_ASSERT(!good_after([](HotUpgrade& good) { good.strategy = "telepathy"; }, identity_));
    Identity other = identity_;
    other.base_image_ref = "registry.fly.io/shop:other";
    CPPUNIT_ASSERT(!good_after([](HotUpgrade&) {}, other));
    CPPUNIT_ASSERT(!DigestTrustPolicy(strategy_names()).last_good("<html>", identity_, store_));
  }

  void no_upgrade_is_nothing_to_install() {
    const Pointer pointer = Pointer::for_base_image(identity_.base_image_ref, "t");
    const auto decision =
        value_of(DigestTrustPolicy(strategy_names()).decide(pointer.to_json(), identity_, 99, store_));
    CPPUNIT_ASSERT(!decision.target);
    CPPUNIT_ASSERT_EQUAL(std::string("the pointer names no hot upgrade"), decision.reason);
  }

  void an_upgrade_for_another_base_image_is_not_ours() {
    const auto decision = value_of(decide(sound(), 0, "registry.fly.io/shop:other"));
    CPPUNIT_ASSERT(!decision.target);
    CPPUNIT_ASSERT_EQUAL(std::string("the pointer is for base image registry.fly.io/shop:other, this machine runs "
                                     "registry.fly.io/shop:base"),
                         decision.reason);
  }

  void a_pointer_for_no_base_image_is_nobodys() {
    auto nowhere = identity_;
    nowhere.base_image_ref.clear();
    const auto decision = value_of(
        DigestTrustPolicy(strategy_names())
            .decide(R"({"hot_upgrade":{"version":"1","source_image_ref":"r","tarball_url":"u"}})", nowhere, 0, store_));
    CPPUNIT_ASSERT(!decision.target);
    CPPUNIT_ASSERT(decision.reason.starts_with("the pointer is for no base image"));
  }

  void rules_do_not_matter_for_another_base_image() {
    HotUpgrade upgrade = sound();
    upgrade.strategy = "telepathy";
    CPPUNIT_ASSERT(!value_of(decide(upgrade, 1000, "registry.fly.io/shop:other")).target);
  }

  void what_is_no_pointer_is_corrupt() {
    const DigestTrustPolicy policy(strategy_names());
    for (const std::string& text :
         {std::string(), std::string("<html><body>Log in</body></html>"), std::string("{"), std::string("[]"),
          std::string("{}"), std::string(R"({"image_ref":7})"), std::string(R"({"image_ref":"a","hot_upgrade":"b"})"),
          std::string(R"({"image_ref":"a","image_ref":"b"})"), std::string(70'000, '{')})
      assert_fails(policy.decide(text, identity_, 0, store_), Errc::corrupt);
    HotUpgrade upgrade = sound();
    upgrade.digest = std::string(64, 'F');
    assert_fails(decide(upgrade), Errc::corrupt, "sha256");
  }

  void refuses_another_apps_tarball() {
    assert_refused("this machine runs releases from releases/shop-1.4.0.tar.gz only",
                   [&](HotUpgrade& upgrade) { upgrade.tarball_url = store_.url_of("releases/bank-1.4.0.tar.gz"); });
    assert_refused("only", [&](HotUpgrade& upgrade) { upgrade.tarball_url = store_.url_of("elsewhere.tar.gz"); });
  }

  void refuses_a_tarball_outside_our_store() {
    for (const char* url :
         {"https://evil.example/releases/shop-1.4.0.tar.gz", "file:///etc/shadow", "releases/shop-1.4.0.tar.gz", ""})
      assert_refused("does not lie in our store", [&](HotUpgrade& upgrade) { upgrade.tarball_url = url; });
  }

  void refuses_a_tarball_of_another_version() {
    assert_refused("only",
                   [&](HotUpgrade& upgrade) { upgrade.tarball_url = store_.url_of("releases/shop-1.3.0.tar.gz"); });
  }

  void refuses_a_missing_digest_or_size() {
    assert_refused("no SHA-256", [](HotUpgrade& upgrade) { upgrade.digest.clear(); });
    assert_refused("no size", [](HotUpgrade& upgrade) { upgrade.size = 0; });
  }

  void refuses_a_tarball_that_is_too_big() {
    assert_refused("1000001 bytes, more than the 1000000 allowed",
                   [](HotUpgrade& upgrade) { upgrade.size = 1'000'001; });
    HotUpgrade upgrade = sound();
    upgrade.size = 1'000'000;
    CPPUNIT_ASSERT(decide(upgrade).ok());
  }

  void refuses_a_lower_sequence_as_rollback() {
    assert_fails(decide(sound(), 13), Errc::refused, "sequence 12 is a rollback: this machine has trusted 13");
    CPPUNIT_ASSERT(decide(sound(), 12).ok());
  }

  void refuses_unusable_versions_and_refs() {
    for (const char* version : {"../1", "current", "1 0", "-1"})
      assert_refused("", [&](HotUpgrade& upgrade) { upgrade.version = version; });
    for (const std::string& ref : {std::string("a b"), std::string("a\nb"), std::string(513, 'a'), std::string()})
      assert_refused("source_image_ref", [&](HotUpgrade& upgrade) { upgrade.hot_ref = ref; });
  }

  void refuses_strategies_that_it_does_not_know() {
    assert_refused("does not know the strategy 'adapter'", [](HotUpgrade& upgrade) { upgrade.strategy = "adapter"; });
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(TrustPolicyTest, "trust_policy");

}  // namespace midair::sidecar
