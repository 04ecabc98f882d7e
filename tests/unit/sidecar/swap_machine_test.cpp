#include "swap/swap_machine.h"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>

#include "midair/durable_file.h"
#include "midair/log.h"
#include "state/journal.h"
#include "state/marker.h"

namespace midair::sidecar {

namespace {

/// Does what it is told: a step succeeds unless it is listed to fail or to hang.
class ScriptedStrategy final : public Strategy {
 public:
  explicit ScriptedStrategy(EventLoop& loop) : loop_(loop) {}

  std::map<std::string, std::string> script;  ///< step -> "fail" or "hang"
  std::vector<std::string> calls;
  StepDone hanging;

  void prepare(const StagedRelease&, StepDone done) override { step("prepare", std::move(done)); }
  void suspend(StepDone done) override { step("suspend", std::move(done)); }
  void migrate(StepDone done) override { step("migrate", std::move(done)); }
  void resume(StepDone done) override { step("resume", std::move(done)); }
  void undo(StepDone done) override { step("undo", std::move(done)); }
  void roll_back(StepDone done) override { step("roll_back", std::move(done)); }
  void committed() override { calls.emplace_back("committed"); }
  void stop_watching() override {}
  [[nodiscard]] bool holds(unsigned) const override { return false; }
  [[nodiscard]] std::string why_in_vain() const override { return {}; }
  [[nodiscard]] const SwapReport& report() const override { return seen; }
  SwapReport seen{.observed_digest = std::string(64, 'a')};

 private:
  void step(const std::string& name, StepDone done) {
    calls.push_back(name);
    const std::string how = script[name];
    if (how == "hang") {
      hanging = std::move(done);
      return;
    }
    loop_.post([done = std::move(done), how, name] {
      if (how == "fail") return done(Error{Errc::refused, name, "it", "the script says so"});
      done({});
    });
  }

  EventLoop& loop_;
};

/// A machine in a directory of its own, run until its swap is over.
struct World {
  std::filesystem::path root;
  ManualClock clock;
  std::unique_ptr<EventLoop> loop = EventLoop::create(clock).value();
  std::unique_ptr<StateDir> dir;
  ScriptedStrategy strategy{*loop};
  std::optional<SwapMachine> machine;
  std::optional<SwapOutcome> outcome;
  std::optional<Error> lost;
  std::vector<std::string> states;
  bool staging_fails = false;
  SwapState stop_in = SwapState::lost;       ///< request a stop on entering this state
  SwapState supersede_in = SwapState::lost;  ///< a newer release is published then
  SwapState kill_candidate_in = SwapState::lost;
  SwapState time_passes_in = SwapState::lost;
  std::function<void(SwapState)> look;  ///< called on entering a state, and when there is news of it

  World() {
    set_log_level(LogLevel::error);
    std::string pattern = (std::filesystem::temp_directory_path() / "midair-swap-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    dir = std::make_unique<StateDir>(StateDir::open(root / "state").value());
    std::filesystem::create_directory(root / "old");
    CPPUNIT_ASSERT(dir->point_current_at(root / "old").ok());
    machine.emplace(*loop, *dir, strategy, SwapDeadlines(),
                    SwapMachine::Events{[this](const Target& target) { stage(target); }, [] {},
                                        [](const std::function<void()>& go_on) { go_on(); },
                                        [this](SwapState state) { entered(state); },
                                        [this](const SwapOutcome& ended) {
                                          outcome = ended;
                                          loop->quit();
                                        },
                                        [this](const Error& error) {
                                          lost = error;
                                          loop->quit();
                                        }});
  }
  ~World() {
    machine.reset();
    dir.reset();
    std::filesystem::remove_all(root);
  }

  static Target target() {
    Target target;
    target.upgrade_id = "01ABC";
    target.version = "2";
    target.hot_ref = "midair/app:deployment-01ABC";
    target.digest = std::string(64, 'b');
    target.base_image_ref = "base";
    target.sequence = 7;
    return target;
  }

  void stage(const Target& target) {
    loop->post([this, target] {
      if (staging_fails) return machine->staged(Error{Errc::corrupt, "verify", "the tarball", "its digest is wrong"});
      machine->staged(StagedRelease{target, root / "new", {}});
    });
  }

  void entered(SwapState state) {
    states.emplace_back(to_string(state));
    if (look) look(state);
    if (state == stop_in) loop->post([this] { machine->stop_requested(); });
    if (state == supersede_in) loop->post([this] { machine->superseded("3"); });
    if (state == time_passes_in) loop->post([this] { clock.advance(std::chrono::hours(1)); });
    if (state == kill_candidate_in) loop->post([this] { machine->candidate_exited("exited with status 3"); });
  }

  void run() {
    machine->begin(target());
    loop->run();
  }

  /// Does what was posted by now.
  void turn() {
    loop->post([this] { loop->quit(); });
    loop->run();
  }

  void boot() {
    machine->booted(StagedRelease{target(), root / "new", {}});
    loop->run();
  }

  [[nodiscard]] std::string current() const { return std::filesystem::read_symlink(dir->current()).filename(); }
  [[nodiscard]] bool has_journal() const { return read_journal(dir->journal()).value().has_value(); }
  [[nodiscard]] bool has_marker() const { return read_marker(dir->marker()).value().has_value(); }
};

}  // namespace

class SwapMachineTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SwapMachineTest);
  CPPUNIT_TEST(commits_what_passes);
  CPPUNIT_TEST(a_step_that_fails_before_the_switch_touches_nothing);
  CPPUNIT_TEST(a_step_that_hangs_is_ended_by_its_deadline);
  CPPUNIT_TEST(a_late_completion_is_ignored);
  CPPUNIT_TEST(staging_that_fails_never_asks_the_strategy_to_prepare);
  CPPUNIT_TEST(a_candidate_that_dies_before_the_switch_aborts);
  CPPUNIT_TEST(a_candidate_that_dies_in_probation_rolls_back);
  CPPUNIT_TEST(failed_probation_rolls_back);
  CPPUNIT_TEST(a_failed_roll_back_is_lost);
  CPPUNIT_TEST(an_abort_that_leaves_nobody_serving_is_lost);
  CPPUNIT_TEST(a_stop_aborts_only_before_the_switch);
  CPPUNIT_TEST(a_newer_release_aborts_only_before_the_switch);
  CPPUNIT_TEST(a_stop_leaves_what_is_in_probation_unjudged);
  CPPUNIT_TEST(the_journal_names_the_state_and_the_switch);
  CPPUNIT_TEST(what_is_committed_is_on_disk_before_it_is_told);
  CPPUNIT_TEST(a_second_swap_starts_afresh);
  CPPUNIT_TEST(what_was_started_at_boot_is_only_watched);
  CPPUNIT_TEST(what_was_started_at_boot_rolls_back_when_it_fails);
  CPPUNIT_TEST_SUITE_END();

  void commits_what_passes() {
    World world;
    world.run();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::completed);
    CPPUNIT_ASSERT(!world.outcome->error);
    CPPUNIT_ASSERT_EQUAL(std::string(64, 'a'), world.outcome->report.observed_digest);
    CPPUNIT_ASSERT(world.outcome->suspended_for.has_value());
    CPPUNIT_ASSERT(world.strategy.calls ==
                   (std::vector<std::string>{"prepare", "suspend", "migrate", "resume", "committed"}));
    CPPUNIT_ASSERT_EQUAL(std::string("new"), world.current());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, read_marker(world.dir->marker()).value()->sequence);
    CPPUNIT_ASSERT(!world.has_journal());
  }

  void what_is_committed_is_on_disk_before_it_is_told() {
    World world;
    std::filesystem::create_directory(world.dir->marker());  // in the place of the file: it can't be written
    std::string problem;
    unsigned looks = 0;
    world.look = [&](SwapState state) {
      if (state != SwapState::committed || world.machine->problem().empty()) return;
      problem = world.machine->problem();
      if (++looks == 3) std::filesystem::remove(world.dir->marker());
      world.loop->post([&] { world.clock.advance(std::chrono::minutes(1)); });
    };
    world.run();
    CPPUNIT_ASSERT(looks >= 3);
    CPPUNIT_ASSERT_MESSAGE(problem, problem.find("marker.json") != std::string::npos);
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::completed);
    CPPUNIT_ASSERT(world.has_marker() && !world.has_journal());
    CPPUNIT_ASSERT_EQUAL(std::string(), world.machine->problem());
    CPPUNIT_ASSERT(std::ranges::count(world.strategy.calls, "committed") == 1);
  }

  void a_step_that_fails_before_the_switch_touches_nothing() {
    for (const auto& [step, state] : std::map<std::string, SwapState>{
             {"prepare", SwapState::staged}, {"suspend", SwapState::prepared}, {"migrate", SwapState::suspended}}) {
      World world;
      world.strategy.script[step] = "fail";
      world.run();
      CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::failed);
      CPPUNIT_ASSERT_MESSAGE(step, world.outcome->ended_in == state);
      CPPUNIT_ASSERT_EQUAL(std::string("undo"), world.strategy.calls.back());
      CPPUNIT_ASSERT_EQUAL(std::string("old"), world.current());
      CPPUNIT_ASSERT(!world.has_marker() && !world.has_journal());
    }
  }

  void a_step_that_hangs_is_ended_by_its_deadline() {
    for (const auto& [step, state] : std::map<std::string, SwapState>{
             {"prepare", SwapState::staged}, {"suspend", SwapState::prepared}, {"migrate", SwapState::suspended}}) {
      World world;
      world.strategy.script[step] = "hang";
      world.time_passes_in = state;
      world.run();
      CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::failed);
      CPPUNIT_ASSERT(world.outcome->error->code == Errc::timeout);
      CPPUNIT_ASSERT_EQUAL(std::string("undo"), world.strategy.calls.back());
    }
  }

  void a_late_completion_is_ignored() {
    World world;
    world.strategy.script["suspend"] = "hang";
    world.time_passes_in = SwapState::prepared;
    world.run();
    world.strategy.hanging({});
    CPPUNIT_ASSERT(world.machine->state() == SwapState::idle);
    CPPUNIT_ASSERT_EQUAL(std::string("old"), world.current());
  }

  void staging_that_fails_never_asks_the_strategy_to_prepare() {
    World world;
    world.staging_fails = true;
    world.run();
    CPPUNIT_ASSERT(world.outcome->ended_in == SwapState::fetching);
    CPPUNIT_ASSERT(world.outcome->error->code == Errc::corrupt);
    CPPUNIT_ASSERT(world.strategy.calls == std::vector<std::string>{"undo"});
  }

  void a_candidate_that_dies_before_the_switch_aborts() {
    World world;
    world.strategy.script["prepare"] = "hang";
    world.kill_candidate_in = SwapState::staged;
    world.run();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::failed);
    CPPUNIT_ASSERT(world.outcome->error->cause.find("exited with status 3") != std::string::npos);
  }

  void a_candidate_that_dies_in_probation_rolls_back() {
    World world;
    world.strategy.script["resume"] = "hang";
    world.kill_candidate_in = SwapState::probation;
    world.run();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::rolled_back);
    CPPUNIT_ASSERT(world.outcome->ended_in == SwapState::probation);
    CPPUNIT_ASSERT_EQUAL(std::string("roll_back"), world.strategy.calls.back());
    CPPUNIT_ASSERT_EQUAL(std::string("old"), world.current());
    CPPUNIT_ASSERT(!world.has_marker() && !world.has_journal());
  }

  void failed_probation_rolls_back() {
    World world;
    world.strategy.script["resume"] = "fail";
    world.run();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::rolled_back);
    CPPUNIT_ASSERT(world.outcome->error->cause == "the script says so");
  }

  void a_failed_roll_back_is_lost() {
    World world;
    world.strategy.script["resume"] = "fail";
    world.strategy.script["roll_back"] = "fail";
    world.run();
    CPPUNIT_ASSERT(world.lost.has_value());
    CPPUNIT_ASSERT(!world.outcome);
    CPPUNIT_ASSERT(world.has_journal());
  }

  void an_abort_that_leaves_nobody_serving_is_lost() {
    World world;
    world.strategy.script["migrate"] = "fail";
    world.strategy.script["undo"] = "fail";
    world.run();
    CPPUNIT_ASSERT(!world.outcome);
    CPPUNIT_ASSERT(world.machine->state() == SwapState::lost);
    CPPUNIT_ASSERT_EQUAL(std::string("old"), world.current());
  }

  void a_stop_aborts_only_before_the_switch() {
    World before;
    before.strategy.script["prepare"] = "hang";
    before.stop_in = SwapState::staged;
    before.run();
    CPPUNIT_ASSERT(before.outcome->status == UpgradeStatus::failed);
    CPPUNIT_ASSERT(before.outcome->error->code == Errc::cancelled);

    World after;
    after.stop_in = SwapState::probation;
    after.run();
    CPPUNIT_ASSERT(after.outcome->status == UpgradeStatus::completed);
  }

  void a_newer_release_aborts_only_before_the_switch() {
    for (const auto& [step, state] : std::map<std::string, SwapState>{
             {"prepare", SwapState::staged}, {"suspend", SwapState::prepared}, {"migrate", SwapState::suspended}}) {
      World world;
      world.strategy.script[step] = "hang";
      world.supersede_in = state;
      world.run();
      CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::failed);
      CPPUNIT_ASSERT(world.outcome->ended_in == state);
      CPPUNIT_ASSERT_EQUAL(std::string("3"), world.outcome->superseded_by);
      CPPUNIT_ASSERT_EQUAL(std::string("undo"), world.strategy.calls.back());
      CPPUNIT_ASSERT_EQUAL(std::string("old"), world.current());
    }
    World after;
    after.supersede_in = SwapState::probation;
    after.run();
    CPPUNIT_ASSERT(after.outcome->status == UpgradeStatus::completed);
    CPPUNIT_ASSERT_EQUAL(std::string(), after.outcome->superseded_by);
  }

  void a_stop_leaves_what_is_in_probation_unjudged() {
    World world;
    world.strategy.script["resume"] = "hang";
    world.stop_in = SwapState::probation;
    world.machine->begin(World::target());
    while (!world.strategy.hanging) world.turn();
    world.turn();
    world.strategy.hanging(Error{Errc::cancelled, "swap", "it", "the machine is being stopped"});
    CPPUNIT_ASSERT(world.machine->state() == SwapState::probation);
    CPPUNIT_ASSERT_EQUAL(std::string("probation"), read_journal(world.dir->journal()).value()->state);
    CPPUNIT_ASSERT(!world.outcome && !world.has_marker());
  }

  void the_journal_names_the_state_and_the_switch() {
    World world;
    world.strategy.script["resume"] = "fail";
    world.strategy.script["roll_back"] = "fail";
    world.run();
    const auto journal = read_journal(world.dir->journal()).value();
    CPPUNIT_ASSERT_EQUAL(std::string("rolling_back"), journal->state);
    CPPUNIT_ASSERT(journal->switched);
    CPPUNIT_ASSERT_EQUAL(std::string("01ABC"), journal->upgrade_id);
  }

  void a_second_swap_starts_afresh() {
    World world;
    world.strategy.script["suspend"] = "fail";
    world.run();
    world.strategy.script.clear();
    world.outcome.reset();
    world.run();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::completed);
    CPPUNIT_ASSERT(!world.outcome->error);
  }

  void what_was_started_at_boot_is_only_watched() {
    World world;
    world.boot();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::completed);
    CPPUNIT_ASSERT(!world.outcome->suspended_for);
    CPPUNIT_ASSERT(world.strategy.calls == (std::vector<std::string>{"resume", "committed"}));
    CPPUNIT_ASSERT(world.states == (std::vector<std::string>{"probation", "committed"}));
    CPPUNIT_ASSERT(world.has_marker() && !world.has_journal());
  }

  void what_was_started_at_boot_rolls_back_when_it_fails() {
    World world;
    world.strategy.script["resume"] = "hang";
    world.kill_candidate_in = SwapState::probation;
    world.boot();
    CPPUNIT_ASSERT(world.outcome->status == UpgradeStatus::rolled_back);
    CPPUNIT_ASSERT(world.strategy.calls == (std::vector<std::string>{"resume", "roll_back"}));
    CPPUNIT_ASSERT(!world.has_marker() && !world.has_journal());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SwapMachineTest, "swap_machine");

}  // namespace midair::sidecar
