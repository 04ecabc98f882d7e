#include "connections/idle_closer.h"

#include <cppunit/extensions/HelperMacros.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <list>
#include <random>
#include <string>
#include <thread>

#include "kept_alive_app.h"
#include "result_asserts.h"

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

/// A client that asks again and again by one connection, with a pause after each answer, until the app ends it. On the
/// closer's own loop: nothing is sent between the closer's last look at a connection and its end, so no request may be
/// lost.
class KeptAliveClient {
 public:
  KeptAliveClient(EventLoop& loop, std::uint16_t port, const std::string& path, unsigned seed, int max_pause = 400)
      : loop_(loop),
        request_(KeptAliveApp::request(path)),
        random_(seed),
        pause_{10, max_pause},
        socket_(connect_to(port)) {
    watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
    ask();
  }

  [[nodiscard]] bool is_over() const { return !socket_; }
  [[nodiscard]] int answers() const { return answers_; }
  [[nodiscard]] bool lost_one() const { return lost_one_; }

 private:
  void ask() {
    char end = 0;
    if (::recv(socket_.get(), &end, 1, MSG_PEEK | MSG_DONTWAIT) == 0) return receive();  // as each client looks
    ::send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
    is_waiting_ = true;
  }

  void receive() {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) {
      lost_one_ = is_waiting_;
      next_.reset();
      watch_.reset();
      socket_.reset();
      return;
    }
    answer_.append(buffer.data(), static_cast<std::size_t>(n));
    if (!answer_.ends_with("\r\n\r\nwell")) return;
    answer_.clear();
    is_waiting_ = false;
    ++answers_;
    next_ = loop_.after(milliseconds(pause_(random_)), [this] { ask(); });
  }

  EventLoop& loop_;
  const std::string request_;
  std::minstd_rand random_;
  std::uniform_int_distribution<int> pause_;  // ms
  std::string answer_;
  bool is_waiting_ = false;
  bool lost_one_ = false;
  int answers_ = 0;
  Fd socket_;
  EventLoop::Watch watch_;
  EventLoop::Timer next_;
};

/// Has this thread refused a system call with EPERM, as container runtimes do.
void forbid(unsigned system_call) {
  std::array<sock_filter, 4> filter{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{filter.size(), filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

std::string words(const IdleCloser::Report& report) {
  return std::to_string(report.busy) + " busy, " + std::to_string(report.idle) + " idle, " +
         std::to_string(report.streaming) + " streaming, " + std::to_string(report.closed) + " closed" +
         (report.none_left ? ", none left" : "");
}

}  // namespace

class IdleCloserTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(IdleCloserTest);
  CPPUNIT_TEST(it_tells_what_each_connection_is_doing);
  CPPUNIT_TEST(it_closes_what_is_kept_alive_and_loses_no_request);
  CPPUNIT_TEST(it_closes_in_the_end_what_never_pauses_for_long);
  CPPUNIT_TEST(it_leaves_an_answer_alone_that_is_sent_slowly);
  CPPUNIT_TEST(it_leaves_streams_and_requests_alone);
  CPPUNIT_TEST(it_leaves_a_young_stream_alone);
  CPPUNIT_TEST(it_closes_only_after_its_time);
  CPPUNIT_TEST(without_a_time_it_only_counts);
  CPPUNIT_TEST(where_nothing_changes_it_looks_once_a_second);
  CPPUNIT_TEST(a_process_that_has_ended_has_none_left);
  CPPUNIT_TEST(where_duplicating_is_forbidden_it_says_so_once_and_counts);
  CPPUNIT_TEST(a_failed_look_is_told_once);
  CPPUNIT_TEST(destruction_cancels);
  CPPUNIT_TEST(it_may_be_destroyed_in_its_own_callbacks);
  CPPUNIT_TEST_SUITE_END();

  using Reports = std::function<bool(const IdleCloser::Report&)>;

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  SocketDiag diag_ = value_of(SocketDiag::open());
  IdleCloser::Report last_;
  std::vector<std::string> errors_;

  static IdleCloser::Settings settings(KeptAliveApp& app, std::optional<milliseconds> close_after) {
    return {{app.port()}, [&app] { return app.processes(); }, close_after};
  }

  /// Runs the loop until a report of the closer is as wanted; the test fails after a minute.
  void run_until(const Reports& is_wanted, const IdleCloser::Settings& settings) {
    IdleCloser closer(*loop_, diag_, settings,
                      {[&](const IdleCloser::Report& report) {
                         last_ = report;
                         if (is_wanted(report)) loop_->quit();
                       },
                       [&](const Error& error) { errors_.push_back(error.message()); }});
    closer.begin();
    run();
  }
  void run() {
    bool is_late = false;
    const auto deadline = loop_->after(std::chrono::minutes(1), [&] {
      is_late = true;
      loop_->quit();
    });
    loop_->run();
    CPPUNIT_ASSERT_MESSAGE("the last report was: " + words(last_), !is_late);
  }

  void it_tells_what_each_connection_is_doing() {
    KeptAliveApp app;
    const Fd thinking = app.ask("/hang");
    const Fd slow = app.ask("/large");
    const Fd events = app.ask("/events");
    const Fd web_socket = app.ask("/socket");
    const Fd kept_alive = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    const Fd unused = connect_to(app.port());
    const Fd half_a_line = connect_to(app.port());
    send_text(half_a_line, "GET / HT");
    const Fd half_a_later_line = app.ask("/");
    KeptAliveApp::read_some(half_a_later_line);
    ::poll(nullptr, 0, 10);  // more than a tick, see activity.h
    send_text(half_a_later_line, "GET / HT");
    // Streams are known by what comes 2 s after the request.
    run_until([](const auto& report) { return report.busy == 4 && report.idle == 2 && report.streaming == 2; },
              settings(app, std::nullopt));
    CPPUNIT_ASSERT_MESSAGE(errors_.empty() ? "" : errors_.front(), errors_.empty());
  }

  void it_closes_what_is_kept_alive_and_loses_no_request() {
    constexpr int kClients = 20;
    KeptAliveApp app;
    std::list<KeptAliveClient> clients;
    for (int i = 0; i < kClients; ++i)
      clients.emplace_back(*loop_, app.port(), i % 4 == 0 ? "/think" : "/", static_cast<unsigned>(i));
    run_until([](const auto& report) { return report.none_left; }, settings(app, milliseconds(500)));
    for (const KeptAliveClient& client : clients) {
      CPPUNIT_ASSERT(client.is_over());
      CPPUNIT_ASSERT(client.answers() > 0);
      CPPUNIT_ASSERT(!client.lost_one());
    }
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(kClients), last_.closed);
    CPPUNIT_ASSERT_MESSAGE(errors_.empty() ? "" : errors_.front(), errors_.empty());
  }

  void it_closes_in_the_end_what_never_pauses_for_long() {
    constexpr int kClients = 10;
    KeptAliveApp app;
    std::list<KeptAliveClient> clients;
    for (int i = 0; i < kClients; ++i) clients.emplace_back(*loop_, app.port(), "/", static_cast<unsigned>(i), 40);
    run_until([](const auto& report) { return report.none_left; }, settings(app, milliseconds(0)));
    for (const KeptAliveClient& client : clients) CPPUNIT_ASSERT(client.is_over() && !client.lost_one());
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(kClients), last_.closed);
  }

  void it_leaves_an_answer_alone_that_is_sent_slowly() {
    KeptAliveApp app;
    const Fd client = app.ask("/slowly");
    std::string answer;
    const auto watch = loop_->watch(client.get(), EPOLLIN, [&](std::uint32_t) {
      answer += KeptAliveApp::read_some(client);
      if (answer.ends_with("wellwellwell")) loop_->quit();
    });
    run_until([](const auto& report) { return report.none_left; }, settings(app, milliseconds(0)));
    CPPUNIT_ASSERT_MESSAGE(answer, answer.ends_with("wellwellwell"));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(words(last_), std::uint64_t(0), last_.closed);
  }

  void it_leaves_streams_and_requests_alone() {
    KeptAliveApp app;
    const Fd events = app.ask("/events");
    const Fd web_socket = app.ask("/socket");
    KeptAliveApp::read_some(web_socket);
    KeptAliveApp::read_some(web_socket);  // the message: from now on it is quiet, and known as a stream
    const Fd thinking = app.ask("/hang");
    const Fd kept_alive = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    run_until([](const auto& report) { return report.closed == 1 && report.busy == 1 && report.streaming == 2; },
              settings(app, milliseconds(0)));
    CPPUNIT_ASSERT_EQUAL(std::string(), KeptAliveApp::read_some(kept_alive));
    int looks = 0;
    run_until([&](const auto&) { return ++looks == 8; }, settings(app, milliseconds(0)));
    // An event that the client has yet to acknowledge makes its stream busy for some ms.
    CPPUNIT_ASSERT_EQUAL_MESSAGE(words(last_), 3u, last_.busy + last_.streaming);
    CPPUNIT_ASSERT_EQUAL_MESSAGE(words(last_), std::uint64_t(0), last_.closed);
  }

  void it_leaves_a_young_stream_alone() {
    KeptAliveApp app;
    const Fd events = app.ask("/events");  // 2 s later its times would tell, too
    run_until([](const auto& report) { return report.streaming == 1; }, settings(app, milliseconds(900)));
    int looks = 0;
    run_until([&](const auto&) { return ++looks == 12; }, settings(app, milliseconds(900)));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(words(last_), std::uint64_t(0), last_.closed);
  }

  void it_closes_only_after_its_time() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    const BootTime start = system_clock().now();
    run_until([](const auto& report) { return report.closed == 1; }, settings(app, milliseconds(400)));
    CPPUNIT_ASSERT(system_clock().now() - start >= milliseconds(400));
  }

  void without_a_time_it_only_counts() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    int looks = 0;
    run_until([&](const auto& report) { return report.idle == 1 && ++looks == 4; }, settings(app, std::nullopt));
    CPPUNIT_ASSERT_EQUAL(std::string("0 busy, 1 idle, 0 streaming, 0 closed"), words(last_));
  }

  /// 20, 20, and then twice as long each time: by 2.5 s some ten looks were made, and not a hundred.
  void where_nothing_changes_it_looks_once_a_second() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/hang");
    int looks = 0;
    const BootTime start = system_clock().now();
    run_until([&](const auto&) { return ++looks, system_clock().now() - start > milliseconds(2500); },
              settings(app, milliseconds(0)));
    CPPUNIT_ASSERT_MESSAGE(std::to_string(looks), looks >= 3 && looks <= 16);
  }

  void a_process_that_has_ended_has_none_left() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/hang");
    int looks = 0;
    run_until(
        [&](const auto& report) {
          if (++looks == 2) ::kill(app.pid(), SIGKILL);
          return report.none_left;
        },
        settings(app, std::nullopt));
    CPPUNIT_ASSERT(looks >= 5);
    CPPUNIT_ASSERT(errors_.empty());
  }

  void where_duplicating_is_forbidden_it_says_so_once_and_counts() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/");
    const Fd second = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    KeptAliveApp::read_some(second);
    int looks = 0;
    std::thread([&] {
      forbid(SYS_pidfd_getfd);
      IdleCloser closer(*loop_, diag_, settings(app, milliseconds(0)),
                        {[&](const IdleCloser::Report& report) {
                           last_ = report;
                           if (report.idle == 2 && ++looks == 4) loop_->quit();
                         },
                         [&](const Error& error) { errors_.push_back(error.to_string()); }});
      closer.begin();
      loop_->run();
    }).join();
    CPPUNIT_ASSERT_EQUAL(std::string("0 busy, 2 idle, 0 streaming, 0 closed"), words(last_));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), errors_.size());
    CPPUNIT_ASSERT_MESSAGE(errors_.front(), errors_.front().find("CAP_SYS_PTRACE") != std::string::npos);
  }

  void a_failed_look_is_told_once() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/");
    KeptAliveApp::read_some(kept_alive);
    int looks = 0;
    std::thread([&] {
      forbid(SYS_readlinkat);
      IdleCloser closer(
          *loop_, diag_,
          {{app.port()}, [&] { return ++looks == 3 ? loop_->quit(), app.processes() : app.processes(); }, {}},
          {[&](const IdleCloser::Report&) { errors_.emplace_back("a report"); },
           [&](const Error& error) { errors_.push_back(error.message()); }});
      closer.begin();
      loop_->run();
    }).join();
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), errors_.size());
    CPPUNIT_ASSERT_MESSAGE(errors_.front(), errors_.front().find("the descriptors of process") != std::string::npos);
  }

  void destruction_cancels() {
    KeptAliveApp app;
    const Fd kept_alive = app.ask("/");
    int calls = 0;
    {
      IdleCloser closer(*loop_, diag_, settings(app, milliseconds(0)),
                        {[&](const auto&) { ++calls; }, [&](const auto&) { ++calls; }});
      closer.begin();
    }
    const auto end = loop_->after(milliseconds(30), [&] { loop_->quit(); });
    loop_->run();
    CPPUNIT_ASSERT_EQUAL(0, calls);
  }

  void it_may_be_destroyed_in_its_own_callbacks() {
    KeptAliveApp app;
    const std::string captured = "a text long enough to live on the heap, where ASan sees it die";
    std::size_t seen = 0;
    std::unique_ptr<IdleCloser> closer;
    const auto destroy = [&, captured](const auto&) {
      closer.reset();
      seen = captured.size();
      loop_->quit();
    };
    closer = std::make_unique<IdleCloser>(*loop_, diag_, settings(app, {}), IdleCloser::Hooks{destroy, destroy});
    closer->begin();
    run();
    CPPUNIT_ASSERT_EQUAL(captured.size(), seen);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(IdleCloserTest, "idle_closer");

}  // namespace midair::sidecar
