#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "result_asserts.h"
#include "sockets/app_sockets.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;
using namespace std::chrono_literals;

/// Clients that come to a process which was told to end, and accepts no more. The processes are played by nobody: none
/// accepts, so that every client is where it was sent.
class LeavingSocketsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LeavingSocketsTest);
  CPPUNIT_TEST(who_waits_in_it_goes_to_who_is_served);
  CPPUNIT_TEST(who_was_moved_to_it_goes_to_who_is_served);
  CPPUNIT_TEST(who_was_not_told_keeps_its_clients);
  CPPUNIT_TEST_SUITE_END();

  static constexpr unsigned kClients = 24;

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::unique_ptr<AppSockets> sockets_;
  std::vector<Fd> clients_;

 public:
  void setUp() override {
    AppSockets::Settings settings{SocketMode::pass, {value_of(parse_listen_spec("127.0.0.1:0"))}, {}};
    sockets_ = value_of(AppSockets::open(*loop_, std::move(settings), [](unsigned, ino_t) { return true; }));
  }
  void tearDown() override { clients_.clear(); }

 private:
  int start(unsigned generation) {
    const int socket = value_of(sockets_->lend(generation, false)).front().second;
    sockets_->serve_with(generation);
    return socket;
  }
  void connect(int listener) {
    SocketAddress address;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    CPPUNIT_ASSERT_EQUAL(0, ::getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &size));
    for (unsigned client = 0; client < kClients; ++client) {
      Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      CPPUNIT_ASSERT_EQUAL(0, ::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size));
      clients_.push_back(std::move(fd));
    }
  }
  void run_for(std::chrono::milliseconds time) {
    const auto timer = loop_->after(time, [this] { loop_->quit(); });
    loop_->run();
  }
  [[nodiscard]] bool await_all_in(int listener) {
    for (int looks = 0; waiting_clients(listener) != kClients && looks < 500; ++looks) run_for(10ms);
    return waiting_clients(listener) == kClients;
  }

  void who_waits_in_it_goes_to_who_is_served() {
    connect(start(1));
    const int served = start(2);
    sockets_->told_to_end(1);
    CPPUNIT_ASSERT(await_all_in(served));
  }

  void who_was_moved_to_it_goes_to_who_is_served() {
    start(1);
    const int failing = start(2);
    sockets_->told_to_end(1);
    connect(failing);
    const int served = start(3);
    sockets_->ended(2);
    CPPUNIT_ASSERT(await_all_in(served));
  }

  void who_was_not_told_keeps_its_clients() {
    const int old = start(1);
    connect(old);
    start(2);
    run_for(100ms);
    CPPUNIT_ASSERT_EQUAL(kClients, waiting_clients(old).value());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LeavingSocketsTest, "leaving_sockets");

}  // namespace midair::sidecar
