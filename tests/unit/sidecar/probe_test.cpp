#include "process/probe.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "process/http_head.h"
#include "result_asserts.h"
#include "sockets/app_sockets.h"

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

/// A server on the probe's own loop that does one thing to each client once it has its request.
class OneTrickServer {
 public:
  using Trick = std::function<void(int client)>;

  OneTrickServer(EventLoop& loop, Trick trick) : loop_(loop), trick_(std::move(trick)) {
    sockets_->serve_with(kServer);
    listening_ = loop.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
  }

  /// A connection that has begun.
  [[nodiscard]] Result<Fd> connect() const { return sockets_->connect_to(kServer); }
  [[nodiscard]] std::string address() const { return sockets_->address_of(kServer); }
  [[nodiscard]] const std::string& request() const { return request_; }
  /// The server closes the connection.
  void hang_up() {
    receiving_.reset();
    client_.reset();
  }

 private:
  static constexpr unsigned kServer = 1;

  void accept() {
    client_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    receiving_ = loop_.watch(client_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
  }

  void receive() {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::recv(client_.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) return hang_up();
    request_.append(buffer.data(), static_cast<std::size_t>(n));
    if (request_.ends_with("\r\n\r\n")) trick_(client_.get());
  }

  EventLoop& loop_;
  Trick trick_;
  std::unique_ptr<AppSockets> sockets_ =
      value_of(AppSockets::open(loop_, {SocketMode::pass, {{"http", "127.0.0.1", 0}}, {}}, nullptr));
  const Fd listener_{::dup(value_of(sockets_->lend(kServer, false)).front().second)};  // as an app would have it
  std::string request_;
  Fd client_;
  EventLoop::Watch listening_;
  EventLoop::Watch receiving_;
};

const ProbeRequest kRequest{"/health?deep=1", "app.example", {"X-Forwarded-Proto: https"}};

OneTrickServer::Trick answer_with(std::string text) {
  return [text = std::move(text)](int client) { ::send(client, text.data(), text.size(), MSG_NOSIGNAL); };
}

}  // namespace

class ProbeTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbeTest);
  CPPUNIT_TEST(a_good_answer_is_ok_and_tells_the_release);
  CPPUNIT_TEST(the_request_is_a_plain_get);
  CPPUNIT_TEST(the_status_decides);
  CPPUNIT_TEST(an_interim_response_is_not_the_answer);
  CPPUNIT_TEST(an_answer_in_pieces_is_put_together);
  CPPUNIT_TEST(garbage_is_not_ok);
  CPPUNIT_TEST(an_endless_head_is_cut_off);
  CPPUNIT_TEST(a_connection_closed_early_is_not_ok);
  CPPUNIT_TEST(silence_is_not_ok);
  CPPUNIT_TEST(a_slow_loris_is_not_ok);
  CPPUNIT_TEST(nobody_listening_is_not_ok);
  CPPUNIT_TEST(a_bad_path_is_not_ok_and_asks_nobody);
  CPPUNIT_TEST(tcp_only_waits_to_be_accepted);
  CPPUNIT_TEST(whoever_hangs_up_at_once_has_accepted);
  CPPUNIT_TEST(a_connection_that_nobody_accepts_is_not_ok);
  CPPUNIT_TEST(destruction_cancels);
  CPPUNIT_TEST(it_may_be_destroyed_in_its_own_callback);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::optional<ProbeAnswer> answer_;

  Probe::OnAnswer keep_answer() {
    return [this](ProbeAnswer answer) {
      CPPUNIT_ASSERT_MESSAGE("answered twice", !answer_);
      answer_ = std::move(answer);
      loop_->quit();
    };
  }

  /// The answer to one HTTP probe of `server`, which may take 5 s if the test doesn't want it shorter.
  ProbeAnswer probe(const OneTrickServer& server, milliseconds timeout = milliseconds(5000)) {
    answer_.reset();
    const Probe probe = Probe::http(*loop_, server.connect(), kRequest, timeout, keep_answer());
    CPPUNIT_ASSERT_MESSAGE("answered from within the call", !answer_);
    loop_->run();
    return *answer_;
  }

  ProbeAnswer probe_answered_with(const std::string& text) { return probe(OneTrickServer(*loop_, answer_with(text))); }

  static void assert_not_ok(const ProbeAnswer& answer, const std::string& words) {
    CPPUNIT_ASSERT(!answer.ok);
    CPPUNIT_ASSERT_MESSAGE(answer.error, answer.error.find(words) != std::string::npos);
  }

  void a_good_answer_is_ok_and_tells_the_release() {
    const auto answer = probe_answered_with("HTTP/1.1 200 OK\r\nMidair-Release: 1f2e\r\nContent-Length: 2\r\n\r\nok");
    CPPUNIT_ASSERT_MESSAGE(answer.error, answer.ok);
    CPPUNIT_ASSERT_EQUAL(200, answer.http_status);
    CPPUNIT_ASSERT_EQUAL(std::string("1f2e"), answer.release);
    CPPUNIT_ASSERT_EQUAL(std::string(), answer.error);
  }

  void the_request_is_a_plain_get() {
    const OneTrickServer server(*loop_, answer_with("HTTP/1.1 200 OK\r\n\r\n"));
    CPPUNIT_ASSERT(probe(server).ok);
    CPPUNIT_ASSERT_EQUAL(
        std::string("GET /health?deep=1 HTTP/1.1\r\nHost: app.example\r\nUser-Agent: midair-sidecar\r\n"
                    "Accept: */*\r\nConnection: close\r\nX-Forwarded-Proto: https\r\n\r\n"),
        server.request());
  }

  void the_status_decides() {
    for (const int status : {200, 204, 301, 302, 399}) {
      const auto answer = probe_answered_with("HTTP/1.0 " + std::to_string(status) + " x\r\n\r\n");
      CPPUNIT_ASSERT(answer.ok);
      CPPUNIT_ASSERT_EQUAL(status, answer.http_status);
    }
    for (const int status : {400, 404, 500, 503}) {
      const auto answer =
          probe_answered_with("HTTP/1.1 " + std::to_string(status) + " x\r\nMidair-Release: v2\r\n\r\n");
      assert_not_ok(answer, "answered " + std::to_string(status));
      CPPUNIT_ASSERT_EQUAL(status, answer.http_status);
      CPPUNIT_ASSERT_EQUAL(std::string("v2"), answer.release);
    }
  }

  void an_interim_response_is_not_the_answer() {
    const auto answer = probe_answered_with("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    CPPUNIT_ASSERT_EQUAL(200, answer.http_status);
    CPPUNIT_ASSERT(answer.ok);
  }

  void an_answer_in_pieces_is_put_together() {
    std::string unsent = "HTTP/1.1 200 OK\r\nMidair-Release: v2\r\n\r\n";
    EventLoop::Timer next;
    std::function<void(int)> send_one = [&](int client) {
      ::send(client, unsent.data(), 1, MSG_NOSIGNAL);
      unsent.erase(0, 1);
      if (!unsent.empty()) next = loop_->after(milliseconds(0), [&, client] { send_one(client); });
    };
    CPPUNIT_ASSERT_EQUAL(std::string("v2"), probe(OneTrickServer(*loop_, send_one)).release);
  }

  void garbage_is_not_ok() {
    assert_not_ok(probe_answered_with("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "status line");
    assert_not_ok(probe_answered_with(std::string("\0\1\2\3\r\n\r\n", 8)), "status line");
  }

  void an_endless_head_is_cut_off() {
    const std::string endless = "HTTP/1.1 200 OK\r\n" + std::string(kMaxHttpHeadBytes, 'x');
    assert_not_ok(probe_answered_with(endless), "longer than 16 KiB");
  }

  void a_connection_closed_early_is_not_ok() {
    OneTrickServer* self = nullptr;
    OneTrickServer server(*loop_, [&](int client) {
      answer_with("HTTP/1.1 200 OK\r\n")(client);
      self->hang_up();
    });
    self = &server;
    assert_not_ok(probe(server), "closed before the answer was complete");
  }

  void silence_is_not_ok() {
    const BootTime start = system_clock().now();
    assert_not_ok(probe(OneTrickServer(*loop_, [](int) {}), milliseconds(20)), "no answer within 20ms");
    CPPUNIT_ASSERT(system_clock().now() - start >= milliseconds(20));
  }

  void a_slow_loris_is_not_ok() {
    EventLoop::Timer next;
    std::function<void(int)> drip = [&](int client) {
      ::send(client, "H", 1, MSG_NOSIGNAL);
      next = loop_->after(milliseconds(1), [&, client] { drip(client); });
    };
    assert_not_ok(probe(OneTrickServer(*loop_, drip), milliseconds(20)), "no answer within 20ms");
  }

  void nobody_listening_is_not_ok() {
    const Poco::Net::SocketAddress address("127.0.0.1", 1);  // nobody's, as a rule (tcpmux)
    const auto connect = [&] {
      Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(fd.get(), address.addr(), address.length()));
      return fd;
    };
    const Probe http = Probe::http(*loop_, connect(), kRequest, milliseconds(5000), keep_answer());
    loop_->run();
    assert_not_ok(*answer_, "cannot connect: Connection refused");
    answer_.reset();
    const Probe tcp = Probe::tcp(*loop_, connect(), milliseconds(5000), keep_answer());
    loop_->run();
    assert_not_ok(*answer_, "cannot connect: Connection refused");
    answer_.reset();
    const Probe none = Probe::tcp(*loop_, Error{Errc::not_found, "connect to", "it", "nowhere"}, {}, keep_answer());
    loop_->run();
    assert_not_ok(*answer_, "nowhere");
  }

  void a_bad_path_is_not_ok_and_asks_nobody() {
    const OneTrickServer server(*loop_, [](int) {});
    for (const std::string& path : {std::string(), std::string("health"), std::string("/a b"),
                                    std::string("/a\r\nX: y"), std::string("/\xc3\xa4")}) {
      answer_.reset();
      const Probe probe = Probe::http(*loop_, server.connect(), {path, "", {}}, milliseconds(5000), keep_answer());
      CPPUNIT_ASSERT(!answer_);
      loop_->run();
      assert_not_ok(*answer_, "path");
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), server.request());
  }

  void tcp_only_waits_to_be_accepted() {
    const OneTrickServer server(*loop_, [](int) {});
    const Probe probe = Probe::tcp(*loop_, server.connect(), milliseconds(5000), keep_answer());
    CPPUNIT_ASSERT(!answer_);
    loop_->run();
    CPPUNIT_ASSERT(answer_->ok);
    CPPUNIT_ASSERT_EQUAL(std::string(), server.request());
  }

  void whoever_hangs_up_at_once_has_accepted() {
    auto sockets = value_of(AppSockets::open(*loop_, {SocketMode::pass, {{"http", "127.0.0.1", 0}}, {}}, nullptr));
    const int listener = value_of(sockets->lend(1, false)).front().second;
    auto connection = sockets->connect_to(1);
    Fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)).reset();
    const Probe probe = Probe::tcp(*loop_, std::move(connection), milliseconds(200), keep_answer());
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(std::string(), answer_->error);
  }

  void a_connection_that_nobody_accepts_is_not_ok() {
    auto sockets = value_of(AppSockets::open(*loop_, {SocketMode::pass, {{"http", "127.0.0.1", 0}}, {}}, nullptr));
    CPPUNIT_ASSERT(!value_of(sockets->lend(1, false)).empty());
    const Probe probe = Probe::tcp(*loop_, sockets->connect_to(1), milliseconds(30), keep_answer());
    loop_->run();
    assert_not_ok(*answer_, "it accepted no connection within 30ms");
  }

  void destruction_cancels() {
    const OneTrickServer server(*loop_, answer_with("HTTP/1.1 200 OK\r\n\r\n"));
    (void)Probe::http(*loop_, server.connect(), kRequest, milliseconds(1), keep_answer());
    (void)Probe::http(*loop_, server.connect(), {"bad path", "", {}}, milliseconds(1), keep_answer());
    const auto end = loop_->after(milliseconds(5), [&] { loop_->quit(); });
    loop_->run();
    CPPUNIT_ASSERT(!answer_);
  }

  void it_may_be_destroyed_in_its_own_callback() {
    const OneTrickServer server(*loop_, answer_with("HTTP/1.1 200 OK\r\n\r\n"));
    for (const milliseconds timeout : {milliseconds(5000), milliseconds(0)}) {
      Probe probe;
      const std::string captured = "a text long enough to live on the heap, where ASan sees it die";
      std::size_t seen = 0;
      probe = Probe::http(*loop_, server.connect(), kRequest, timeout, [&, captured](const ProbeAnswer&) {
        probe = Probe();
        seen = captured.size();
        loop_->quit();
      });
      loop_->run();
      CPPUNIT_ASSERT_EQUAL(captured.size(), seen);
    }
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProbeTest, "probe");

}  // namespace midair::sidecar
