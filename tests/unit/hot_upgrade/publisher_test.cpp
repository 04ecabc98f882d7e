#include "publisher.h"

#include <cppunit/extensions/HelperMacros.h>

#include "fleet_doubles.h"
#include "midair/durable_file.h"
#include "midair/host/fleet/cleaner.h"
#include "midair/host/fleet/store_machine_directory.h"
#include "midair/host/publish/published_state.h"
#include "midair/host/publish/ulid.h"
#include "temp_dir.h"

namespace midair::host::hot {

namespace {

/// Keeps what it hears; `on_event` is called with each event's name.
class Recorder {
 public:
  void hear(const UpgradeEvent& event) {
    std::visit([this](const auto& what) { note(what); }, event);
  }

  std::function<void(const std::string&)> on_event;
  std::string version, upgrade_id, events, notices;

 private:
  void note(const ReleasePacked& packed) {
    version = packed.version;
    heard("packed");
  }
  void note(const ReleaseChosen& chosen) { heard("chosen " + chosen.earlier.version); }
  void note(const FleetPlanned&) { heard("fleet"); }
  void note(const UpgradePlan&) { heard("planned"); }
  void note(const DeployLocked&) { heard("locked"); }
  void note(const TarballUploaded& uploaded) {
    heard(uploaded.outcome == UploadOutcome::uploaded ? "uploaded" : "already there");
  }
  void note(const UpgradePublished& published) {
    upgrade_id = published.upgrade_id;
    heard("published");
  }
  void note(const MachineAnswered& answered) {
    heard(answered.result.machine_id + " " + to_string(answered.result.status));
  }
  void note(const UpgradeSummary&) { heard("summary"); }
  void note(const UpgradeNotice& notice) { notices += notice.text + "\n"; }
  void note(const UpgradeProgress&) {}

  void heard(const std::string& event) {
    events += event;
    events += "; ";
    if (on_event) on_event(event);
  }
};

/// Provides one store that is not its own.
class FixedStore final : public StoreProvider {
 public:
  explicit FixedStore(ObjectStore& store) : store_(&store, [](ObjectStore*) {}) {}
  Result<std::shared_ptr<ObjectStore>> store(StoreUse) override { return store_; }

 private:
  const std::shared_ptr<ObjectStore> store_;
};

}  // namespace

class PublisherTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PublisherTest);
  CPPUNIT_TEST(it_packs_looks_locks_uploads_publishes_follows_and_sums_up);
  CPPUNIT_TEST(sequence_and_fence_grow_with_each_publication);
  CPPUNIT_TEST(a_version_keeps_its_bytes);
  CPPUNIT_TEST(a_rehearsal_writes_nothing);
  CPPUNIT_TEST(a_held_lock_stops_it_before_the_upload);
  CPPUNIT_TEST(a_publication_by_another_in_between_is_not_overwritten);
  CPPUNIT_TEST(silent_machines_are_waited_for_until_the_timeout);
  CPPUNIT_TEST(trouble_while_following_is_told_once_and_waited_out);
  CPPUNIT_TEST(an_interrupt_after_each_step_releases_the_lock);
  CPPUNIT_TEST(an_interrupt_during_any_call_releases_the_lock);
  CPPUNIT_TEST(a_failure_of_any_call_is_honest_and_releases_the_lock);
  CPPUNIT_TEST(what_all_machines_refuse_is_marked_and_the_last_good_release_named);
  CPPUNIT_TEST(what_no_machine_answered_is_not_marked);
  CPPUNIT_TEST(going_back_uploads_nothing_and_has_a_higher_sequence);
  CPPUNIT_TEST(going_back_gives_way_to_who_published_meanwhile);
  CPPUNIT_TEST(old_results_are_cleaned_up_at_the_end);
  CPPUNIT_TEST_SUITE_END();

  using Meanwhile = std::function<void()>;

  MemoryObjectStore store_;
  ManualClock clock_;
  InProcessEventBus events_;
  Recorder reporter_;
  TempDir dir_;
  std::stop_source stop_;

 public:
  void setUp() override { write_app("version one"); }

 private:
  /// Readable for all, which requires no feature of a sidecar.
  void write_app(const std::string& text) {
    assert_ok(write_file_durably(dir_ / "app", text));
    std::filesystem::permissions(dir_ / "app", std::filesystem::perms(0644));
  }
  UpgradeRequest request() {
    UpgradeRequest request;
    request.id = value_of(new_ulid(clock_.wall()));
    request.app = "web";
    request.from = dir_.path();
    request.version = "v1";
    request.locked_by = "me@here";
    return request;
  }

  /// Each publisher with a directory of its own: a StoreMachineDirectory remembers a store by its name.
  Result<UpgradeSummary> publish(ObjectStore& store, Meanwhile meanwhile = {},
                                 const UpgradeRequest* request = nullptr) {
    const auto wanted = request != nullptr ? *request : this->request();
    FixedStore stores(store);
    StoreMachineDirectory directory;
    Publisher publisher({stores, directory, clock_, moving(clock_, std::move(meanwhile)), events_});
    const auto heard = listen(wanted);
    return publisher.upgrade(wanted, stop_.get_token());
  }
  Result<UpgradePlan> rehearse(ObjectStore& store) {
    const auto wanted = request();
    FixedStore stores(store);
    StoreMachineDirectory directory;
    const auto heard = listen(wanted);
    return Publisher({stores, directory, clock_, moving(clock_), events_}).rehearse(wanted, {});
  }
  Subscription listen(const UpgradeRequest& request) {
    return events_.subscribe(topic_of(request), [this](const auto& event) {
      if (const auto* upgrade = event->template as<UpgradeEvent>()) reporter_.hear(*upgrade);
    });
  }

  /// A machine that completes whatever is published last.
  Meanwhile obedient(const std::string& id, UpgradeStatus status = UpgradeStatus::completed) {
    return [this, id, status] { report(store_, reporter_.upgrade_id, result_of(id, status, "")); };
  }
  std::optional<HotUpgrade> pointed_at() {
    const auto current = value_of(read_pointer(store_, kLayout, {}));
    return current ? current->pointer.hot_upgrade() : std::nullopt;
  }

  void it_packs_looks_locks_uploads_publishes_follows_and_sums_up() {
    check_in(store_, machine("a"));
    check_in(store_, machine("b"));
    const auto summary = value_of(publish(store_, [this] {
      obedient("a")();
      report(store_, reporter_.upgrade_id, result_of("b", UpgradeStatus::rolled_back, "it crashed"));
    }));
    CPPUNIT_ASSERT_EQUAL(
        std::string("packed; fleet; locked; uploaded; published; a completed; b rolled_back; summary; "),
        reporter_.events);
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, summary.count(Outcome::upgraded));
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, summary.count(Outcome::rolled_back));
    CPPUNIT_ASSERT(!summary.everywhere() && !summary.interrupted);
    const auto upgrade = pointed_at().value();
    CPPUNIT_ASSERT_EQUAL(std::string("midair/web:deployment-") + summary.upgrade_id, upgrade.hot_ref);
    CPPUNIT_ASSERT_EQUAL(store_.url_of(kLayout.tarball("v1")), upgrade.tarball_url);
    CPPUNIT_ASSERT_EQUAL(std::string("handover"), upgrade.strategy);
    CPPUNIT_ASSERT_EQUAL(value_of(store_.head(kLayout.tarball("v1"), {})).size, upgrade.size);
    CPPUNIT_ASSERT(!exists(store_, kLayout.lock()));
  }

  void sequence_and_fence_grow_with_each_publication() {
    check_in(store_, machine("a"));
    std::uint64_t fence = 0;
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
      CPPUNIT_ASSERT(value_of(publish(store_, obedient("a"))).everywhere());
      CPPUNIT_ASSERT_EQUAL(sequence, pointed_at()->sequence);
      CPPUNIT_ASSERT(pointed_at()->fence > fence);
      fence = pointed_at()->fence;
    }
  }

  std::optional<Pointer> pointer() {
    const auto current = value_of(read_pointer(store_, kLayout, {}));
    return current ? std::optional(current->pointer) : std::nullopt;
  }
  /// The same as version `version`, other files.
  UpgradeRequest request_of(const std::string& version) {
    write_app(version);
    auto wanted = request();
    wanted.version = version;
    return wanted;
  }

  void publish_two_versions() {
    check_in(store_, machine("a"));
    for (const char* version : {"v1", "v2"}) {
      const auto wanted = request_of(version);
      CPPUNIT_ASSERT(value_of(publish(store_, obedient("a"), &wanted)).everywhere());
      check_in(store_, machine_on("a", pointed_at().value()));
    }
    reporter_.events.clear();
  }
  UpgradeRequest request_to_go_back() {
    auto wanted = request();
    wanted.again = "";
    return wanted;
  }

  void going_back_uploads_nothing_and_has_a_higher_sequence() {
    publish_two_versions();
    const auto before = pointed_at().value();
    const auto wanted = request_to_go_back();
    CPPUNIT_ASSERT(value_of(publish(store_, obedient("a"), &wanted)).everywhere());
    CPPUNIT_ASSERT_EQUAL(std::string("chosen v1; fleet; locked; published; a completed; summary; "), reporter_.events);
    const auto upgrade = pointed_at().value();
    CPPUNIT_ASSERT_EQUAL(std::string("v1"), upgrade.version);
    CPPUNIT_ASSERT_EQUAL(before.sequence + 1, upgrade.sequence);
    CPPUNIT_ASSERT(upgrade.fence > before.fence);
    CPPUNIT_ASSERT_EQUAL("midair/web:deployment-" + wanted.id, upgrade.hot_ref);
  }

  void going_back_gives_way_to_who_published_meanwhile() {
    publish_two_versions();
    const auto wanted = request_to_go_back();
    reporter_.on_event = [this](const std::string& event) {
      if (!event.starts_with("chosen")) return;
      reporter_.on_event = {};
      const auto other = request_of("v3");
      CPPUNIT_ASSERT(value_of(publish(store_, obedient("a"), &other)).everywhere());
    };
    assert_fails(publish(store_, {}, &wanted), Errc::precondition, "somebody has published meanwhile");
    CPPUNIT_ASSERT_EQUAL(std::string("v3"), pointed_at()->version);
    CPPUNIT_ASSERT(!exists(store_, kLayout.lock()));
  }

  void what_all_machines_refuse_is_marked_and_the_last_good_release_named() {
    check_in(store_, machine("a"));
    CPPUNIT_ASSERT(value_of(publish(store_, obedient("a"))).everywhere());
    check_in(store_, machine_on("a", pointed_at().value()));
    for (const char* version : {"v2", "v3"}) {  // of two bad ones in a row neither is the last good
      const auto bad = request_of(version);
      const auto summary = value_of(publish(store_, obedient("a", UpgradeStatus::rolled_back), &bad));
      CPPUNIT_ASSERT(summary.outlook && summary.outlook->refused);
      CPPUNIT_ASSERT_EQUAL(std::string("v1"), summary.outlook->last_good);
      CPPUNIT_ASSERT(pointer()->refused());
      CPPUNIT_ASSERT_EQUAL(std::string("v1"), pointer()->last_good()->version);
    }
  }

  void what_no_machine_answered_is_not_marked() {
    check_in(store_, machine("a"));
    const auto wanted = request();
    const auto summary = value_of(publish(store_, {}, &wanted));
    CPPUNIT_ASSERT(summary.outlook && !summary.outlook->refused);
    CPPUNIT_ASSERT_EQUAL(std::string(), summary.outlook->last_good);
    CPPUNIT_ASSERT(!pointer()->refused());
  }

  void a_version_keeps_its_bytes() {
    check_in(store_, machine("a"));
    CPPUNIT_ASSERT(publish(store_, obedient("a")).ok());
    reporter_.events.clear();
    CPPUNIT_ASSERT(publish(store_, obedient("a")).ok());
    CPPUNIT_ASSERT(reporter_.events.find("already there") != std::string::npos);

    write_app("something else");
    assert_fails(publish(store_), Errc::refused, "another --version");
    assert_ok(store_.remove(kLayout.tarball("v1"), {}));
    assert_fails(publish(store_), Errc::refused, "version v1");
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, pointed_at()->sequence);

    auto unnamed = request();
    unnamed.version.reset();
    CPPUNIT_ASSERT(publish(store_, obedient("a"), &unnamed).ok());
    CPPUNIT_ASSERT_EQUAL(std::string("20260921T"), reporter_.version.substr(0, 9));
    CPPUNIT_ASSERT_EQUAL(reporter_.upgrade_id.substr(20), reporter_.version.substr(16));
  }

  void a_rehearsal_writes_nothing() {
    check_in(store_, machine("a"));
    ScriptedStore read_only(store_, [](const std::string& verb, const std::string& key) -> Result<void> {
      CPPUNIT_ASSERT_MESSAGE(verb + " " + key, verb == "get" || verb == "head" || verb == "list");
      return {};
    });
    auto plan = value_of(rehearse(read_only));
    CPPUNIT_ASSERT(plan.upload == UploadOutcome::uploaded && plan.sequence == 1);
    CPPUNIT_ASSERT_EQUAL(std::string("packed; fleet; planned; "), reporter_.events);

    CPPUNIT_ASSERT(publish(store_, obedient("a")).ok());
    plan = value_of(rehearse(read_only));
    CPPUNIT_ASSERT(plan.upload == UploadOutcome::already_there && plan.sequence == 2);
    write_app("something else");
    assert_fails(rehearse(read_only), Errc::refused);
  }

  void a_held_lock_stops_it_before_the_upload() {
    check_in(store_, machine("a"));
    const auto other = value_of(DeployLock::acquire({store_, clock_, moving(clock_)},
                                                    {kLayout, "them@there", "d", std::chrono::minutes(5)}, {}));
    assert_fails(publish(store_), Errc::precondition, "them@there");
    CPPUNIT_ASSERT(!exists(store_, kLayout.tarball("v1")));

    auto forced = request();
    forced.force = Force::yes;
    CPPUNIT_ASSERT(publish(store_, obedient("a"), &forced).ok());
    CPPUNIT_ASSERT(reporter_.notices.find("took the lock from them@there") != std::string::npos);
    assert_fails(other->renew(), Errc::precondition);
  }

  void a_publication_by_another_in_between_is_not_overwritten() {
    check_in(store_, machine("a"));
    reporter_.on_event = [this](const std::string& event) {
      if (event == "uploaded")
        store_text(store_, kLayout.pointer(), pointer_to(upgrade_named("01X", "v7", 7)).to_json());
    };
    assert_fails(publish(store_), Errc::precondition, "somebody else published sequence 7 (version v7)");
    CPPUNIT_ASSERT_EQUAL(std::string("v7"), pointed_at()->version);
    CPPUNIT_ASSERT(!exists(store_, kLayout.lock()));
  }

  void silent_machines_are_waited_for_until_the_timeout() {
    check_in(store_, machine("a"));
    auto patient = request();
    patient.timeout = std::chrono::seconds(42);
    const auto before = clock_.now();
    const auto summary = value_of(publish(store_, {}, &patient));
    CPPUNIT_ASSERT(clock_.now() - before == std::chrono::seconds(42));
    CPPUNIT_ASSERT(!summary.everywhere() && summary.machines.at(0).outcome == Outcome::no_answer);
  }

  void trouble_while_following_is_told_once_and_waited_out() {
    check_in(store_, machine("a"));
    int failures = 5;
    ScriptedStore moody(store_, [&](const std::string& verb, const std::string& key) -> Result<void> {
      if (verb == "list" && key.starts_with(kLayout.results_prefix()) && failures-- > 0) return store_error();
      return {};
    });
    CPPUNIT_ASSERT(value_of(publish(moody, obedient("a"))).everywhere());
    CPPUNIT_ASSERT_EQUAL(std::string("cannot ask the store: it is having a bad day; results are looked for again\n"),
                         reporter_.notices);
  }

  void an_interrupt_after_each_step_releases_the_lock() {
    check_in(store_, machine("a"));
    for (const std::string step : {"packed", "fleet", "locked", "uploaded", "already there", "published"}) {
      stop_ = std::stop_source();
      bool reached = false;
      reporter_.on_event = [&](const std::string& event) {
        if (event == step) reached = stop_.request_stop();
      };
      auto request = this->request();
      if (step == "already there") CPPUNIT_ASSERT(exists(store_, kLayout.tarball("v1")));
      const auto summary = publish(store_, {}, &request);
      CPPUNIT_ASSERT_MESSAGE(step, reached && !exists(store_, kLayout.lock()));
      if (step == "published") {
        CPPUNIT_ASSERT(value_of(summary).interrupted && pointed_at().has_value());
      } else {
        assert_fails(summary, Errc::cancelled, "interrupted; nothing was published");
        CPPUNIT_ASSERT_MESSAGE(step, !pointed_at().has_value());
      }
    }
  }

  /// Publishes into fresh stores, once for each store call that a publication makes; `spoil` happens at that call.
  void sweep(const std::function<Result<void>()>& spoil,
             const std::function<void(const std::string& call, const Result<UpgradeSummary>&)>& check) {
    for (int at = 1;; ++at) {
      for (const auto& object : value_of(store_.list("", {}))) assert_ok(store_.remove(object.key, {}));
      check_in(store_, machine("a"));
      stop_ = std::stop_source();
      std::atomic<int> count{0};
      std::string spoilt;
      ScriptedStore fragile(store_, [&](const std::string& verb, const std::string& key) -> Result<void> {
        if (++count != at) return {};
        spoilt = std::string(verb).append(" ").append(key);
        return spoil();
      });
      const auto summary = publish(fragile, obedient("a"));
      if (spoilt.empty()) return;  // it makes fewer calls
      check(spoilt, summary);
      if (!summary.ok() && summary.error().cause.find("unknown") == std::string::npos)
        CPPUNIT_ASSERT_MESSAGE(spoilt, !pointed_at().has_value());
      if (summary.ok()) CPPUNIT_ASSERT_EQUAL_MESSAGE(spoilt, std::string("v1"), pointed_at()->version);
    }
  }

  void an_interrupt_during_any_call_releases_the_lock() {
    int published = 0;
    int cancelled = 0;
    sweep(
        [this]() -> Result<void> {
          stop_.request_stop();
          return {};
        },
        [&](const std::string& call, const Result<UpgradeSummary>& summary) {
          CPPUNIT_ASSERT_MESSAGE(call, !exists(store_, kLayout.lock()));
          if (!summary.ok()) assert_fails(summary, Errc::cancelled);
          ++(summary.ok() ? published : cancelled);
        });
    CPPUNIT_ASSERT(published >= 5 && cancelled >= 5);
  }

  void a_failure_of_any_call_is_honest_and_releases_the_lock() {
    int survived = 0;
    int failed = 0;
    sweep([]() -> Result<void> { return store_error(); },
          [&](const std::string& call, const Result<UpgradeSummary>& summary) {
            if (call != "remove " + kLayout.lock()) CPPUNIT_ASSERT_MESSAGE(call, !exists(store_, kLayout.lock()));
            if (!summary.ok()) assert_fails(summary, Errc::unavailable);
            ++(summary.ok() ? survived : failed);
          });
    CPPUNIT_ASSERT(survived >= 5 && failed >= 5);
  }

  void old_results_are_cleaned_up_at_the_end() {
    check_in(store_, machine("a"));
    for (int i = 0; i < 7; ++i) CPPUNIT_ASSERT(publish(store_, obedient("a")).ok());
    CPPUNIT_ASSERT_EQUAL(kKeptUpgrades, value_of(store_.list(kLayout.results_prefix(), {})).size());
    CPPUNIT_ASSERT_EQUAL(std::size_t{7}, value_of(store_.list(kLayout.history_prefix(), {})).size());
    CPPUNIT_ASSERT(exists(store_, kLayout.result(reporter_.upgrade_id, "a")));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(PublisherTest, "publisher");

}  // namespace midair::host::hot
