#include "swap/strategies/strategies.h"

#include <cppunit/extensions/HelperMacros.h>

#include <csignal>

#include "midair/log.h"
#include "midair/release/manifest.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::sidecar {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// An app that says that it can do everything, and then nothing more.
constexpr const char* kApp = R"(
import json, os, socket, time
peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
peer.connect(os.environ['MIDAIR_SOCKET'])
peer.sendall(json.dumps({'op': 'hello', 'protocol': 1, 'capabilities': ['in-place']}).encode() + b'\n')
while peer.recv(1000): pass
time.sleep(1000)
)";

/// One strategy, and a process that serves and will not answer.
struct World {
  explicit World(const StrategyPlug& plug) {
    serving.serve_with(*value_of(supervisor.start(base)));
    run_until([this] { return supervisor.find(serving.generation())->app->hello() != nullptr; });
    strategy = plug.make({*loop, supervisor, serving, transfer, probation, fallback, ready, {}});
    release.directory = directory / "new";
    std::filesystem::create_directories(release.directory);
  }
  ~World() {
    if (!supervisor.empty()) end_all();
  }

  void end_all() {
    run_until([this] {
      supervisor.kill_all();  // also what is started meanwhile
      return supervisor.empty();
    });
  }
  void run_until(const std::function<bool()>& done) {
    const auto watchdog = loop->after(seconds(30), [this] { loop->quit(); });
    EventLoop::Timer look;
    const std::function<void()> again = [&] {
      supervisor.reap();
      if (done()) return loop->quit();
      look = loop->after(milliseconds(1), again);
    };
    again();
    loop->run();
    CPPUNIT_ASSERT_MESSAGE("it did not happen within 30 s", done());
  }

  TempDir directory;
  std::unique_ptr<EventLoop> loop = value_of(EventLoop::create());
  StateDir dir = value_of(StateDir::open(directory / "state"));
  std::unique_ptr<AppSockets> sockets = value_of(AppSockets::open(*loop, {}, nullptr));
  ReadyCheck ready{};
  ReleaseRef base{{}, directory / "state"};
  StagedRelease release;
  Serving serving;
  Supervisor supervisor{*loop, dir, *sockets, {{"/usr/bin/python3", "-c", kApp}, seconds(5)}, {[](auto&, auto&) {}}};
  Hooks hooks{*loop, Identity(), ""};
  StateTransfer transfer{*loop, supervisor, hooks, dir, {seconds(60), seconds(60)}};
  Probation probation{*loop, seconds(60), {}};
  Fallback fallback{*loop, supervisor, serving, transfer, base, ready, seconds(60)};
  std::unique_ptr<Strategy> strategy;
};

struct Verb {
  std::string name;
  std::function<void(World&, StepDone)> call;
  bool is_back = false;
};

const std::vector<Verb> kVerbs{
    {"prepare", [](World& world, StepDone done) { world.strategy->prepare(world.release, std::move(done)); }},
    {"suspend", [](World& world, StepDone done) { world.strategy->suspend(std::move(done)); }},
    {"migrate", [](World& world, StepDone done) { world.strategy->migrate(std::move(done)); }},
    {"resume", [](World& world, StepDone done) { world.strategy->resume(std::move(done)); }},
    {"undo", [](World& world, StepDone done) { world.strategy->undo(std::move(done)); }, true},
    {"roll_back", [](World& world, StepDone done) { world.strategy->roll_back(std::move(done)); }, true},
    {"roll_back of what serves",
     [](World& world, StepDone done) {
       world.strategy->resume([](const Result<void>&) {});
       world.strategy->roll_back(std::move(done));
     },
     true},
};

}  // namespace

class StrategiesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(StrategiesTest);
  CPPUNIT_TEST(a_stop_in_the_middle_of_any_step_ends_it_once);
  CPPUNIT_TEST(a_way_back_that_begins_after_a_stop_ends_once);
  CPPUNIT_TEST(the_first_of_the_table_can_always_be_taken);
  CPPUNIT_TEST_SUITE_END();

 public:
  void setUp() override { set_log_level(LogLevel::error); }
  void tearDown() override { set_log_level(LogLevel::info); }

  /// Begins a step after one that was given up, as the machine does, and ends the app when it has its answer.
  static void assert_ends_once(const StrategyPlug& plug, const Verb& verb, bool stopped_before) {
    const std::string what = std::string(plug.name) + ": " + verb.name;
    World world(plug);
    std::vector<Result<void>> answers;
    world.strategy->prepare(world.release, [](const Result<void>&) {});
    if (stopped_before) world.strategy->stop_watching();
    verb.call(world, [&](Result<void> answer) { answers.push_back(std::move(answer)); });
    if (!stopped_before) world.strategy->stop_watching();
    CPPUNIT_ASSERT_MESSAGE(what + " ended inside of a call", answers.empty());
    world.run_until([&] { return !answers.empty(); });
    if (verb.is_back) CPPUNIT_ASSERT_MESSAGE(what, answers.front().ok());
    world.end_all();  // and whatever still waits for the app hears of that
    CPPUNIT_ASSERT_EQUAL_MESSAGE(what, std::size_t{1}, answers.size());
  }

  void a_stop_in_the_middle_of_any_step_ends_it_once() {
    for (const StrategyPlug& plug : strategies())
      for (const Verb& verb : kVerbs) assert_ends_once(plug, verb, false);
  }

  void a_way_back_that_begins_after_a_stop_ends_once() {
    for (const StrategyPlug& plug : strategies())
      for (const Verb& verb : kVerbs)
        if (verb.is_back) assert_ends_once(plug, verb, true);
  }

  void the_first_of_the_table_can_always_be_taken() {
    World world(strategies().front());
    const StrategyParts parts{*world.loop,     world.supervisor, world.serving, world.transfer,
                              world.probation, world.fallback,   world.ready,   {}};
    CPPUNIT_ASSERT_EQUAL(std::string(), strategies().front().why_not(parts));
    CPPUNIT_ASSERT_EQUAL(std::string(kHandover), std::string(strategies().front().name));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(StrategiesTest, "strategies");

}  // namespace midair::sidecar
