#include "protocol/app_socket.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>

#include <thread>

#include "dead_socket.h"
#include "script.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

using std::chrono::seconds;

namespace {

/// An app that connects and says hello; what it hears goes to descriptor 3.
constexpr const char* kPrelude = R"(
import json, os, signal, socket, sys
def connect():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.connect(os.environ['MIDAIR_SOCKET'])
    return peer
def say(peer, **message): peer.sendall(json.dumps(message).encode() + b'\n')
def hear(peer): return peer.makefile().readline().strip()
def tell(text): os.write(3, (text + '\n').encode())
def greet(peer): say(peer, op='hello', protocol=1); return hear(peer)
)";

}  // namespace

class AppSocketTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AppSocketTest);
  CPPUNIT_TEST(a_process_of_the_generation_is_welcomed);
  CPPUNIT_TEST(what_descends_in_a_session_of_its_own_is_welcomed);
  CPPUNIT_TEST(a_process_of_another_generation_is_cut_off);
  CPPUNIT_TEST(a_second_connection_is_cut_off_and_a_later_one_served);
  CPPUNIT_TEST(an_app_that_dropped_its_privileges_may_connect);
  CPPUNIT_TEST(a_request_without_a_connection_fails);
  CPPUNIT_TEST(anybody_may_knock_and_the_path_vanishes);
  CPPUNIT_TEST(a_socket_left_by_a_dead_sidecar_is_replaced);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::unique_ptr<AppSocket> socket_ = value_of(AppSocket::open(*loop_, directory_ / "app"));

  [[nodiscard]] SpawnSpec app(const std::string& python) const {
    return {{"/usr/bin/python3", "-c", kPrelude + python}, {}, {{"MIDAIR_SOCKET", socket_->path().string()}}, {}};
  }
  /// Runs the loop until the script has written a line, which is returned.
  std::string line_of(Script& script) {
    std::string line;
    std::thread reader([&] {
      line = script.line();
      loop_->quit();
    });
    loop_->run();
    reader.join();
    return line;
  }

  void a_process_of_the_generation_is_welcomed() {
    Script script(app("tell('started')\npeer = connect()\ntell(greet(peer))\nsignal.pause()"));
    CPPUNIT_ASSERT_EQUAL(std::string("started"), script.line());
    bool heard = false;
    socket_->watch([&] { heard = true; }, nullptr);
    socket_->serve(script.child().tree(), {4, "", false});
    CPPUNIT_ASSERT_EQUAL(std::string(R"({"digest":"","generation":4,"op":"welcome","protocol":1,"wait":false})"),
                         line_of(script));
    CPPUNIT_ASSERT(heard && socket_->hello() != nullptr);
  }

  void what_descends_in_a_session_of_its_own_is_welcomed() {
    Script script(
        app("if os.fork(): signal.pause()\nos.setsid()\nif os.fork(): os._exit(0)\n"
            "tell(greet(connect()))\nsignal.pause()"));
    socket_->serve(script.child().tree(), {4, "", false});
    CPPUNIT_ASSERT(line_of(script).find("welcome") != std::string::npos);
  }

  void a_process_of_another_generation_is_cut_off() {
    Script real(app("signal.pause()"));
    socket_->serve(real.child().tree(), {});
    Script forger(app("peer = connect()\ntry: tell('heard ' + greet(peer))\nexcept OSError: tell('cut off')"));
    const std::string heard = line_of(forger);
    CPPUNIT_ASSERT_MESSAGE(heard, heard == "heard " || heard == "cut off");
    CPPUNIT_ASSERT(socket_->hello() == nullptr);
  }

  void a_second_connection_is_cut_off_and_a_later_one_served() {
    Script script(
        app("peer = connect()\ntell(greet(peer))\nsecond = connect()\n"
            "try: tell('second ' + greet(second))\nexcept OSError: tell('second ')\n"
            "peer.close()\nthird = connect()\ntell(greet(third))\nsignal.pause()"));
    int closed = 0;
    socket_->watch(nullptr, [&](const std::string&) { ++closed; });
    socket_->serve(script.child().tree(), {1, "", false});
    CPPUNIT_ASSERT(line_of(script).find("welcome") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(std::string("second "), line_of(script));
    CPPUNIT_ASSERT(line_of(script).find("welcome") != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(1, closed);
  }

  void an_app_that_dropped_its_privileges_may_connect() {
    if (::geteuid() != 0) return;  // only root can drop any
    fs::permissions(directory_.path(), fs::perms(0711));
    Script script(app("os.setuid(65534)\npeer = connect()\ntell(greet(peer))\nsignal.pause()"));
    socket_->serve(script.child().tree(), {});
    CPPUNIT_ASSERT(line_of(script).find("welcome") != std::string::npos);
  }

  void a_request_without_a_connection_fails() {
    std::string error;
    socket_->request("health", Poco::JSON::Object(), seconds(1), [&](const Result<Poco::JSON::Object::Ptr>& answer) {
      error = answer.error().message();
      loop_->quit();
    });
    CPPUNIT_ASSERT(error.empty());
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(std::string("cannot have the app do 'health': it never connected to MIDAIR_SOCKET"), error);
  }

  void anybody_may_knock_and_the_path_vanishes() {
    struct stat status {};
    const fs::path path = socket_->path();
    CPPUNIT_ASSERT(::stat(path.c_str(), &status) == 0);
    CPPUNIT_ASSERT_EQUAL(mode_t(S_IFSOCK | 0666), status.st_mode);
    socket_.reset();
    CPPUNIT_ASSERT(!fs::exists(path));
  }

  void a_socket_left_by_a_dead_sidecar_is_replaced() {
    leave_dead_socket(directory_ / "dead", SOCK_STREAM);
    const auto again = value_of(AppSocket::open(*loop_, directory_ / "dead"));
    assert_fails(AppSocket::open(*loop_, socket_->path()), Errc::refused, "somebody listens there");
    assert_fails(AppSocket::open(*loop_, directory_ / std::string(108, 'x')), Errc::bad_input, "107 bytes");
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(AppSocketTest, "app_socket");

}  // namespace midair::sidecar
