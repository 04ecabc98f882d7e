#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <sstream>

#include "midair/durable_file.h"
#include "midair/log.h"
#include "result_asserts.h"
#include "swap/strategies/handover/handover.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// An app that does as the file `behaviour` of its release says, and notes what it is asked in the file `calls`.
constexpr const char* kApp = R"(
import json, os, socket, time
how, name = json.load(open('behaviour')), os.path.basename(os.getcwd())
def note(text):
    with open('../calls', 'a') as calls: calls.write(f'{name} {text}, ')
if how.get('hello') == 'never': time.sleep(1000)
peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
peer.connect(os.environ['MIDAIR_SOCKET'])
def say(**message): peer.sendall(json.dumps(message).encode() + b'\n')
say(op='hello', protocol=1, capabilities=['state'], schema=how['schema'], imports=how['imports'])
lines, state = peer.makefile('rb'), name + "'s"
note('waits' if json.loads(lines.readline())['wait'] else 'serves')
for line in lines:
    request = json.loads(line)
    op = request['op']
    note(op)
    if how.get(op) == 'exit': os._exit(3)
    if how.get(op) == 'dies slowly':
        peer.shutdown(socket.SHUT_WR)
        lines.read()  # until the sidecar has hung up too
        os._exit(3)
    if how.get(op) == 'hangs up':
        peer.shutdown(socket.SHUT_RDWR)
        time.sleep(1000)
    if how.get(op) == 'hang': time.sleep(1000)
    if how.get(op) == 'fail':
        say(id=request['id'], ok=False, code='failed', error='as told')
        continue
    if op == 'export':
        with open(request['state_path'], 'w') as file: file.write(state)
    if op == 'import':
        with open(request['state_path']) as file: state = file.read()
        note('has ' + state)
    say(id=request['id'], ok=True, schema=how['schema'], bytes=len(state))
)";

}  // namespace

class HandoverStateTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(HandoverStateTest);
  CPPUNIT_TEST(the_state_goes_over);
  CPPUNIT_TEST(a_successor_that_says_no_hello_is_given_up);
  CPPUNIT_TEST(a_successor_of_another_schema_is_given_up);
  CPPUNIT_TEST(a_failed_import_leaves_the_old_as_it_was);
  CPPUNIT_TEST(who_answers_no_abort_is_started_anew_with_what_it_exported);
  CPPUNIT_TEST(who_dies_while_it_is_held_is_started_anew);
  CPPUNIT_TEST(who_is_still_dying_is_no_one_to_go_on);
  CPPUNIT_TEST(who_hangs_up_and_lives_goes_on);
  CPPUNIT_TEST(a_resume_that_fails_lets_the_old_go_on);
  CPPUNIT_TEST(a_roll_back_gives_the_saved_state_to_the_last_good_release);
  CPPUNIT_TEST(a_roll_back_prefers_the_newer_state);
  CPPUNIT_TEST(what_the_last_good_release_does_not_take_is_lost_but_it_serves);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  StateDir dir_ = value_of(StateDir::open(directory_ / "state"));
  std::unique_ptr<AppSockets> sockets_ = value_of(AppSockets::open(*loop_, {}, nullptr));
  Serving serving_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<Hooks> hooks_;
  std::unique_ptr<StateTransfer> transfer_;
  std::unique_ptr<Probation> probation_;
  std::unique_ptr<Fallback> fallback_;
  std::unique_ptr<Handover> handover_;
  EventLoop::Timer reaping_;

 public:
  void setUp() override {
    set_log_level(LogLevel::error);
    const std::vector<std::string> command{"/usr/bin/python3", "-c", kApp};
    supervisor_ = std::make_unique<Supervisor>(
        *loop_, dir_, *sockets_, Supervisor::Settings{command, seconds(5)},
        Supervisor::Hooks{[this](Generation& generation, const ExitStatus& status) {
          if (generation.number == serving_.candidate()) return;
          [[maybe_unused]] const bool known = fallback_->exited(generation.number, status.text());
        }});
    set_limits(seconds(20), seconds(10));
    reap();
  }
  void tearDown() override { set_log_level(LogLevel::info); }

 private:
  /// Of what is going to hang, so that the test need not wait long.
  void set_limits(milliseconds ready, milliseconds step) {
    hooks_ = std::make_unique<Hooks>(*loop_, Identity(), "");
    transfer_ =
        std::make_unique<StateTransfer>(*loop_, *supervisor_, *hooks_, dir_, StateTransfer::Limits{ready, step});
    probation_ = std::make_unique<Probation>(*loop_, milliseconds(20), std::vector<HealthCheck>{});
    fallback_ = std::make_unique<Fallback>(*loop_, *supervisor_, serving_, *transfer_,
                                           ReleaseRef{{}, directory_ / "old"}, ReadyCheck{}, seconds(20));
    handover_ = std::make_unique<Handover>(
        StrategyParts{*loop_, *supervisor_, serving_, *transfer_, *probation_, *fallback_, {}, {.ready = seconds(20)}});
  }

  void reap() {
    supervisor_->reap();
    reaping_ = loop_->after(milliseconds(5), [this] { reap(); });
  }

  /// A release whose app behaves so; `more` is JSON after the schema.
  ReleaseRef release(const std::string& name, const std::string& schema, const std::string& more = {}) {
    fs::create_directories(directory_ / name);
    std::ofstream(directory_ / name / "behaviour") << R"({"schema":")" << schema << R"(","imports":["n/1",")" << schema
                                                   << "\"]" << (more.empty() ? "" : ",") << more << "}";
    return {{name, "", name, "", 1}, directory_ / name};
  }

  void serve(const std::string& more = {}, const std::string& schema = "n/1") {
    serving_.serve_with(*value_of(supervisor_->start(release("old", schema, more))));
    run_until([this] { return keeper_of_state(supervisor_->find(serving_.generation())) != nullptr; });
  }

  void run_until(const std::function<bool()>& done) {
    const auto watchdog = loop_->after(seconds(30), [this] { loop_->quit(); });
    EventLoop::Timer look;
    const std::function<void()> again = [&] {
      if (done()) return loop_->quit();
      look = loop_->after(milliseconds(1), again);
    };
    again();
    loop_->run();
    CPPUNIT_ASSERT_MESSAGE("it did not happen within 30 s: " + calls(), done());
  }

  /// What serves is a candidate again.
  void judge_ill() { serving_.try_within(serving_.candidate_release(), serving_.fallback_said_ready()); }

  using Step = std::function<void(StepDone)>;
  Result<void> take(const Step& step) {
    std::optional<Result<void>> result;
    step([&](Result<void> ended) { result = std::move(ended); });
    CPPUNIT_ASSERT_MESSAGE("a step ended inside its own call", !result);
    run_until([&] { return result.has_value(); });
    return *std::move(result);
  }
  Result<void> prepare(const ReleaseRef& next) {
    StagedRelease staged;
    staged.target.version = next.version;
    staged.directory = next.directory;
    return take([&](StepDone done) { handover_->prepare(staged, std::move(done)); });
  }
  Result<void> suspend() {
    return take([&](StepDone done) { handover_->suspend(std::move(done)); });
  }
  Result<void> migrate() {
    return take([&](StepDone done) { handover_->migrate(std::move(done)); });
  }
  Result<void> resume() {
    return take([&](StepDone done) { handover_->resume(std::move(done)); });
  }
  Result<void> undo() {
    return take([&](StepDone done) { handover_->undo(std::move(done)); });
  }
  Result<void> roll_back() {
    return take([&](StepDone done) { handover_->roll_back(std::move(done)); });
  }

  [[nodiscard]] std::string calls() const {
    std::ostringstream text;
    text << std::ifstream(directory_ / "calls").rdbuf();
    return text.str();
  }
  void assert_calls(const std::string& expected) const { CPPUNIT_ASSERT_EQUAL(expected, calls()); }
  /// The app writes down that it serves when it is welcomed, which is some time after we welcomed it.
  void await_calls(const std::string& expected) {
    run_until([&] { return calls().size() >= expected.size(); });
    assert_calls(expected);
  }
  void come_to_probation(const ReleaseRef& next) {
    assert_ok(prepare(next));
    assert_ok(suspend());
    assert_ok(migrate());
    assert_ok(resume());
  }
  static constexpr const char* kThere =
      "old serves, new waits, new prepare, old suspend, old export, new import, new has old's, new resume, ";

  void the_state_goes_over() {
    serve();
    come_to_probation(release("new", "n/2"));
    handover_->committed();
    assert_calls(kThere);
    CPPUNIT_ASSERT(handover_->report().suspended && !transfer_->saved());
  }

  void a_successor_that_says_no_hello_is_given_up() {
    set_limits(milliseconds(500), seconds(10));
    serve();
    assert_fails(prepare(release("new", "n/2", R"("hello":"never")")), Errc::timeout, "did not say hello");
    assert_ok(undo());
    assert_calls("old serves, ");
  }

  void a_successor_of_another_schema_is_given_up() {
    serve({}, "n/7");
    assert_fails(prepare(release("new", "n/2")), Errc::refused, "does not import 'n/7'");
    assert_ok(undo());
    CPPUNIT_ASSERT_MESSAGE(calls(), calls().find("old suspend") == std::string::npos);
  }

  void a_failed_import_leaves_the_old_as_it_was() {
    serve();
    assert_ok(prepare(release("new", "n/2", R"("import":"fail")")));
    assert_ok(suspend());
    assert_fails(migrate(), Errc::refused, "'failed': as told");
    const unsigned old = serving_.generation();
    assert_ok(undo());
    CPPUNIT_ASSERT_EQUAL(old, serving_.generation());
    assert_calls("old serves, new waits, new prepare, old suspend, old export, new import, old abort, ");
  }

  void who_answers_no_abort_is_started_anew_with_what_it_exported() {
    set_limits(seconds(20), seconds(2));
    serve(R"("abort":"hang")");
    assert_ok(prepare(release("new", "n/2", R"("import":"exit")")));
    assert_ok(suspend());
    assert_fails(migrate(), Errc::unavailable);
    const unsigned hung = serving_.generation();
    assert_ok(undo());
    CPPUNIT_ASSERT(serving_.generation() != hung && !transfer_->saved());
    assert_calls(
        "old serves, new waits, new prepare, old suspend, old export, new import, old abort, old waits, old prepare, "
        "old import, old has old's, old resume, ");
  }

  void who_dies_while_it_is_held_is_started_anew() {
    serve(R"("export":"exit")");
    assert_ok(prepare(release("new", "n/2")));
    assert_ok(suspend());
    CPPUNIT_ASSERT(handover_->holds(serving_.generation()));
    assert_fails(migrate(), Errc::unavailable);
    run_until([this] { return supervisor_->find(serving_.generation()) == nullptr; });
    assert_ok(undo());
    await_calls("old serves, new waits, new prepare, old suspend, old export, old serves, ");
  }

  void who_is_still_dying_is_no_one_to_go_on() {
    for (const std::string step : {"suspend", "export"}) {
      serve("\"" + step + R"(":"dies slowly")");
      const unsigned old = serving_.generation();
      assert_ok(prepare(release("new", "n/2")));
      if (step == "suspend") {
        assert_fails(suspend(), Errc::unavailable);
      } else {
        assert_ok(suspend());
        assert_fails(migrate(), Errc::unavailable);
      }
      assert_ok(undo());  // as soon as the connection has ended
      CPPUNIT_ASSERT_MESSAGE(step, serving_.generation() != old);
      run_until([this] { return keeper_of_state(supervisor_->find(serving_.generation())) != nullptr; });
    }
  }

  void who_hangs_up_and_lives_goes_on() {
    serve(R"("suspend":"hangs up")");
    const unsigned old = serving_.generation();
    assert_ok(prepare(release("new", "n/2")));
    assert_fails(suspend(), Errc::unavailable);
    assert_ok(undo());
    CPPUNIT_ASSERT_EQUAL(old, serving_.generation());
    CPPUNIT_ASSERT(!handover_->holds(old));
  }

  void a_resume_that_fails_lets_the_old_go_on() {
    set_limits(seconds(20), seconds(2));
    serve();
    assert_ok(prepare(release("new", "n/2", R"("resume":"hang")")));
    assert_ok(suspend());
    assert_ok(migrate());
    assert_fails(resume(), Errc::timeout, "did not answer");
    const unsigned old = serving_.generation();
    assert_ok(roll_back());
    CPPUNIT_ASSERT_EQUAL(old, serving_.generation());
    assert_calls(std::string(kThere) + "old abort, ");
  }

  void a_roll_back_gives_the_saved_state_to_the_last_good_release() {
    serve();
    come_to_probation(release("new", "n/2"));
    judge_ill();
    assert_ok(roll_back());
    // n/2 says nothing to the old code.
    assert_calls(std::string(kThere) + "old waits, old prepare, old import, old has old's, old resume, ");
  }

  void a_roll_back_prefers_the_newer_state() {
    serve();
    come_to_probation(release("new", "n/1", R"("import":"ok")"));
    judge_ill();
    assert_ok(roll_back());
    assert_calls(std::string(kThere) +
                 "new suspend, new export, old waits, old prepare, old import, old has old's, old resume, ");
  }

  void what_the_last_good_release_does_not_take_is_lost_but_it_serves() {
    serve(R"("import":"exit")");
    come_to_probation(release("new", "n/2"));
    judge_ill();
    assert_ok(roll_back());
    await_calls(std::string(kThere) + "old waits, old prepare, old import, old serves, ");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(HandoverStateTest, "handover_state");

}  // namespace midair::sidecar
