#include "sockets/app_sockets.h"

#include <cppunit/extensions/HelperMacros.h>
#include <ifaddrs.h>
#include <poll.h>
#include <sys/wait.h>

#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "adopted_app.h"
#include "connections/generation_connections.h"
#include "tcp_sockets.h"

namespace midair::sidecar {

using Poco::Net::SocketAddress;

namespace {

constexpr unsigned kOld = 1;
constexpr unsigned kNew = 2;

/// A port of loopback that nobody listens on.
std::uint16_t free_port() { return port_of(listen_on(AF_INET)); }

bool connects(std::uint16_t port) {
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_storage address = loopback(AF_INET, port);
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// A link-local address of this machine (RFC 4291, 2.5.6) and its interface.
std::optional<std::pair<std::string, unsigned>> link_local_address() {
  ifaddrs* all = nullptr;
  CPPUNIT_ASSERT_EQUAL(0, ::getifaddrs(&all));
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, &::freeifaddrs);
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET6) continue;
    const SocketAddress address(one->ifa_addr, sizeof(sockaddr_in6));
    if (!address.host().isLinkLocal()) continue;
    std::string host = address.host().toString();
    return std::pair{host.substr(0, host.find('%')), address.host().scope()};
  }
  return std::nullopt;
}

}  // namespace

/// Two generations, of which none is served at first.
class AppSocketsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AppSocketsTest);
  CPPUNIT_TEST(what_an_app_binds_is_led_by_the_switch);
  CPPUNIT_TEST(the_private_way_reaches_the_candidate_only);
  CPPUNIT_TEST(it_is_told_when_an_app_listens);
  CPPUNIT_TEST(other_ports_are_the_apps_own);
  CPPUNIT_TEST(an_address_in_use_is_in_use);
  CPPUNIT_TEST(of_two_that_are_bound_one_listens);
  CPPUNIT_TEST(two_that_share_may_listen);
  CPPUNIT_TEST(a_thread_may_bind);
  CPPUNIT_TEST(another_user_may_bind);
  CPPUNIT_TEST(an_app_may_try_its_port_first);
  CPPUNIT_TEST(what_was_shut_down_listens_again);
  CPPUNIT_TEST(who_is_retired_just_gets_nothing);
  CPPUNIT_TEST(a_probe_reaches_a_link_local_address);
  CPPUNIT_TEST(another_address_is_a_conflict_that_is_told);
  CPPUNIT_TEST(what_is_missing_is_told);
  CPPUNIT_TEST(clients_wait_for_who_comes_back);
  CPPUNIT_TEST(who_comes_back_may_listen_elsewhere);
  CPPUNIT_TEST(an_app_may_pass_its_socket_on);
  CPPUNIT_TEST(what_was_passed_on_comes_back_too);
  CPPUNIT_TEST(what_was_closed_is_not_missing);
  CPPUNIT_TEST(several_sockets_of_one_app_may_overlap);
  CPPUNIT_TEST(an_ipv4_address_may_be_mapped);
  CPPUNIT_TEST(a_probe_reaches_who_waits_for_data);
  CPPUNIT_TEST(nobody_waits_for_a_worker_that_has_ended);
  CPPUNIT_TEST(what_is_bound_to_an_interface_is_not_led);
  CPPUNIT_TEST(the_port_mapper_belongs_to_no_generation);
  CPPUNIT_TEST(mistakes_of_an_app_are_its_own);
  CPPUNIT_TEST_SUITE_END();

  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::map<unsigned, std::unique_ptr<AdoptedApp>> apps_;
  std::unique_ptr<AppSockets> sockets_;
  std::uint16_t port_ = 0;
  std::uint16_t other_port_ = 0;

 public:
  void setUp() override {
    port_ = free_port();
    other_port_ = free_port();
    AppSockets::Settings settings{SocketMode::adopt, {}, {port_, other_port_}};
    sockets_ = value_of(AppSockets::open(*loop_, std::move(settings), [this](unsigned generation, ino_t socket) {
      return apps_.contains(generation) && apps_.at(generation)->child().holds_any_socket({socket});
    }));
  }
  void tearDown() override {
    while (!apps_.empty()) end(apps_.begin()->first);
  }

 private:
  AdoptedApp& start(unsigned generation, std::vector<std::string> before = {}, Script::Descriptors passed = {}) {
    auto& app = apps_[generation] = std::make_unique<AdoptedApp>(*loop_, std::move(before), std::move(passed));
    sockets_->hear(generation, app->child().take_socket_calls());
    return *app;
  }
  void end(unsigned generation) {
    const pid_t subreaper = apps_.at(generation)->child().tree().root.pid;
    apps_.erase(generation);
    ::waitpid(subreaper, nullptr, 0);
    sockets_->ended(generation);
  }

  [[nodiscard]] std::string at(const char* host) const { return "'" + std::string(host) + "', " + port(); }
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  /// A line that makes `name` a socket that listens there; `more` are further arguments.
  [[nodiscard]] std::string hear_at(const char* host, const char* name = "s", const std::string& more = "") const {
    return std::string(name) + " = heard(" + at(host) + more + ")";
  }
  void assert_does(AdoptedApp& app, const std::string& line) const {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(line, std::string("done"), app.run(line));
  }
  /// A client is answered by that app, on its socket `name`.
  void assert_served_by(AdoptedApp& app, const char* name = "s") const {
    const Fd client = connect_to(port_);
    assert_does(app, std::string("took(") + name + ")");
  }

  void what_an_app_binds_is_led_by_the_switch() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    assert_does(after, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT(sockets_->listens(kOld) && sockets_->listens(kNew));
    for (int i = 0; i < 3; ++i) {
      sockets_->serve_with(kOld);
      assert_served_by(before);
      sockets_->serve_with(kNew);
      assert_served_by(after);
    }
    end(kOld);
    assert_served_by(after);
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->problem());
  }

  void the_private_way_reaches_the_candidate_only() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT(!sockets_->connect_to(kNew).ok());
    assert_does(after, hear_at("127.0.0.1"));
    for (int i = 0; i < 3; ++i) {
      const Fd probe = value_of(sockets_->connect_to(kNew));
      assert_does(after, "took(s)");
      assert_served_by(before);
    }
    CPPUNIT_ASSERT_EQUAL(std::string("EAGAIN"), after.run("took(s)"));
  }

  void it_is_told_when_an_app_listens() {
    AdoptedApp& app = start(kNew);
    int told = 0;
    sockets_->when_listening(kNew, [&] {
      CPPUNIT_ASSERT(sockets_->listens(kNew));
      ++told;
    });
    assert_does(app, "s = bound(" + at("127.0.0.1") + ")");
    CPPUNIT_ASSERT_EQUAL(0, told);
    assert_does(app, "s.listen()");
    CPPUNIT_ASSERT_EQUAL(1, told);
    sockets_->when_listening(kNew, nullptr);
    assert_does(app, "s.listen()");
    CPPUNIT_ASSERT_EQUAL(1, told);
  }

  void other_ports_are_the_apps_own() {
    AdoptedApp& app = start(kOld);
    assert_does(app, "s = heard('127.0.0.1', 0)");
    assert_does(app, "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind((" + at("127.0.0.1") + "))");
    CPPUNIT_ASSERT(!sockets_->listens(kOld));
    assert_does(app, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT(sockets_->listens(kOld));
  }

  void an_address_in_use_is_in_use() {
    const std::string in_use = "EADDRINUSE";
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(app, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT_EQUAL(in_use, app.run(hear_at("127.0.0.1", "t")));
    CPPUNIT_ASSERT_EQUAL(in_use, app.run(hear_at("0.0.0.0", "t")));
    CPPUNIT_ASSERT_EQUAL(in_use, app.run("child('heard(\"127.0.0.1\", " + port() + ")')"));
    assert_served_by(app);
  }

  void of_two_that_are_bound_one_listens() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    for (const char* host : {"127.0.0.1", "0.0.0.0"}) {
      assert_does(app, "s = bound(" + at("127.0.0.1") + "); t = bound(" + at(host) + ")");
      assert_does(app, "s.listen()");
      CPPUNIT_ASSERT_EQUAL(std::string("EADDRINUSE"), app.run("t.listen()"));
      assert_does(app, "s.listen()");
      assert_served_by(app);
      assert_does(app, "s.close(); t.listen()");  // as soon as the first is gone
      for (int i = 0; i < 8; ++i) assert_served_by(app, "t");
      assert_does(app, "t.close()");
    }
  }

  void two_that_share_may_listen() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    const std::string shared = "bound(" + at("127.0.0.1") + ", reuse_port=True)";
    assert_does(app, "s = " + shared + "; t = " + shared + "; s.listen(); t.listen()");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sockets_->sockets_of(kOld).size());
  }

  void a_thread_may_bind() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(app, "s = bound('127.0.0.1', 0); t = threading.Thread(target=lambda: globals().update(s=heard(" +
                         at("127.0.0.1") + "))); t.start(); t.join()");
    assert_served_by(app);
  }

  void another_user_may_bind() {
    if (::geteuid() != 0) return;
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew, {"setpriv", "--reuid", "65534", "--clear-groups"});
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    assert_does(after, hear_at("127.0.0.1"));
    sockets_->serve_with(kNew);
    assert_served_by(after);
  }

  void an_app_may_try_its_port_first() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(app, hear_at("127.0.0.1", "trial"));
    assert_does(app, "trial.close()");
    assert_does(app, hear_at("127.0.0.1"));
    for (int i = 0; i < 8; ++i) assert_served_by(app);
  }

  void what_was_shut_down_listens_again() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(app, hear_at("127.0.0.1"));
    assert_does(app, "s.shutdown(socket.SHUT_RDWR)");
    turn_until(*loop_, [this] { return connects(port_); });
    assert_does(app, "took(s)");
  }

  void who_is_retired_just_gets_nothing() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    const char* const share = ", reuse_port=True";
    assert_does(before, hear_at("127.0.0.1", "s", share));
    assert_does(before, hear_at("127.0.0.1", "t", share));
    assert_does(after, hear_at("127.0.0.1"));
    assert_does(before, "p = select.epoll(); p.register(s); p.register(t)");
    std::vector<Fd> waiting(20);
    for (Fd& client : waiting) client = connect_to(port_);
    sockets_->serve_with(kNew);
    sockets_->retire(kOld);
    CPPUNIT_ASSERT_EQUAL(std::string("done"),
                         before.run("if p.poll(0): raise OSError(errno.EINVAL, 'it is told of something')"));
    for (const char* name : {"s", "t"})
      CPPUNIT_ASSERT_EQUAL(std::string("EAGAIN"), before.run("took(" + std::string(name) + ")"));
    for (int i = 0; i < 20; ++i) assert_does(after, "took(s)");
    for (int i = 0; i < 8; ++i) assert_served_by(after);
    end(kOld);
    for (int i = 0; i < 8; ++i) assert_served_by(after);
  }

  void a_probe_reaches_a_link_local_address() {
    const auto interface = link_local_address();
    if (!interface) {
      std::cout << " (not tried: no interface here has a link-local address)" << std::flush;
      return;
    }
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    for (AdoptedApp* app : {&before, &after})
      assert_does(*app, "s = socket.socket(socket.AF_INET6); s.bind(('" + interface->first + "', " + port() + ", 0, " +
                            std::to_string(interface->second) + ")); s.listen()");
    const Fd probe = value_of(sockets_->connect_to(kNew));
    assert_does(after, "took(s)");
    CPPUNIT_ASSERT_EQUAL(std::string("EAGAIN"), before.run("took(s)"));
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->problem());
  }

  void another_address_is_a_conflict_that_is_told() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("::"));
    CPPUNIT_ASSERT_EQUAL(std::string("EADDRINUSE"), after.run(hear_at("0.0.0.0")));
    CPPUNIT_ASSERT(sockets_->conflict(kNew).find("it wants to listen on 0.0.0.0:" + port()) == 0);
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->conflict(kOld));
    assert_served_by(before);
  }

  void what_is_missing_is_told() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT_EQUAL("127.0.0.1:" + port(), sockets_->missing(kNew));
    assert_does(after, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->missing(kNew));
  }

  void clients_wait_for_who_comes_back() {
    AdoptedApp& before = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    end(kOld);
    const Fd client = connect_to(port_);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kNew);
    assert_does(after, hear_at("127.0.0.1"));
    assert_does(after, "took(s)");
  }

  void who_comes_back_may_listen_elsewhere() {
    AdoptedApp& before = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("::"));
    end(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kNew);
    assert_does(after, hear_at("0.0.0.0"));
    assert_served_by(after);
  }

  /// What the app's socket `s` is, open for us too.
  Fd socket_of(unsigned generation) const {
    const pid_t pid = apps_.at(generation)->child().pid();
    assert_does(*apps_.at(generation), "os.dup2(s.fileno(), 99)");
    return value_of(duplicate_socket(pid, 99, sockets_->sockets_of(generation).front().first));
  }

  void an_app_may_pass_its_socket_on() {
    AdoptedApp& before = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    const Fd stored = socket_of(kOld);
    AdoptedApp& after = start(kNew, {}, {{"stored", stored.get()}});
    assert_does(after, "s = socket.socket(fileno=5); s.listen()");
    sockets_->serve_with(kNew);
    end(kOld);
    for (int i = 0; i < 3; ++i) assert_served_by(after);
  }

  void what_was_passed_on_comes_back_too() {
    AdoptedApp& before = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(before, hear_at("127.0.0.1"));
    const Fd stored = socket_of(kOld);
    end(kOld);
    AdoptedApp& after = start(kNew, {}, {{"stored", stored.get()}});
    sockets_->serve_with(kNew);
    assert_does(after, "s = socket.socket(fileno=5)");
    for (int i = 0; i < 3; ++i) assert_served_by(after);
  }

  void what_was_closed_is_not_missing() {
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    const std::string trial = "t = heard('127.0.0.1', " + std::to_string(other_port_) + ")";
    assert_does(before, trial);
    assert_does(after, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT_EQUAL("127.0.0.1:" + std::to_string(other_port_), sockets_->missing(kNew));
    assert_does(before, "t.close()");
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->missing(kNew));
    assert_does(before, trial);
    assert_does(after, trial);
    assert_does(after, "t.close()");
    sockets_->serve_with(kNew);
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->missing(kNew));
  }

  void several_sockets_of_one_app_may_overlap() {
    const char* const share = ", reuse_port=True";
    AdoptedApp& before = start(kOld);
    AdoptedApp& after = start(kNew);
    sockets_->serve_with(kOld);
    for (AdoptedApp* app : {&before, &after}) {
      assert_does(*app, hear_at("::", "six", share));
      assert_does(*app, hear_at("0.0.0.0", "s", share));
    }
    assert_served_by(before);
    sockets_->serve_with(kNew);
    assert_served_by(after);
  }

  void an_ipv4_address_may_be_mapped() {
    for (const char* host : {"::ffff:127.0.0.1", "::ffff:0.0.0.0"}) {
      AdoptedApp& before = start(kOld);
      AdoptedApp& after = start(kNew);
      sockets_->serve_with(kOld);
      assert_does(before, hear_at(host));
      CPPUNIT_ASSERT_EQUAL(std::string("EADDRINUSE"), before.run(hear_at("0.0.0.0", "t")));
      assert_does(after, hear_at(host));
      CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->problem());
      const Fd probe = value_of(sockets_->connect_to(kNew));
      assert_does(after, "took(s)");
      assert_served_by(before);
      end(kOld);
      end(kNew);
    }
  }

  void a_probe_reaches_who_waits_for_data() {
    AdoptedApp& app = start(kOld);
    assert_does(app, hear_at("127.0.0.1"));
    assert_does(app, "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)");
    const Fd probe = value_of(sockets_->connect_to(kOld));
    assert_does(app, "took(s)");
  }

  void nobody_waits_for_a_worker_that_has_ended() {
    AdoptedApp& app = start(kOld);
    sockets_->serve_with(kOld);
    assert_does(app, hear_at("127.0.0.1", "s", ", reuse_port=True"));
    assert_does(app, "child('t = heard(\"127.0.0.1\", " + port() + ", reuse_port=True)')");
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, sockets_->sockets_of(kOld).size());
    assert_does(app, "kill(children[0])");
    std::vector<Fd> clients;  // by chance one of them waits where nobody is
    turn_until(*loop_, [&] {
      if (clients.size() < 30) clients.push_back(connect_to(port_));
      return sockets_->sockets_of(kOld).size() == 1;
    });
    assert_served_by(app);
  }

  void what_is_bound_to_an_interface_is_not_led() {
    AdoptedApp& app = start(kOld);
    assert_does(app, "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')");
    assert_does(app, "s.bind((" + at("127.0.0.1") + ")); s.listen()");
    CPPUNIT_ASSERT(!sockets_->listens(kOld));
    CPPUNIT_ASSERT(sockets_->problem().find("it is bound to a network interface") != std::string::npos);
  }

  void the_port_mapper_belongs_to_no_generation() {
    AdoptedApp& app = start(kOld);
    assert_does(app, "open('/proc/self/comm', 'w').write('epmd')");
    assert_does(app, hear_at("127.0.0.1"));
    CPPUNIT_ASSERT(!sockets_->listens(kOld));
  }

  void mistakes_of_an_app_are_its_own() {
    AdoptedApp& app = start(kOld);
    const std::string address = "struct.pack('=HH12x', socket.AF_INET, socket.htons(" + port() + "))";
    const auto call_bind = [&](const std::string& fd) {
      return app.run("if ctypes.CDLL(None, use_errno=True).bind(" + fd + ", " + address +
                     ", 16): raise OSError(ctypes.get_errno(), 'bind')");
    };
    CPPUNIT_ASSERT_EQUAL(std::string("EBADF"), call_bind("999"));
    CPPUNIT_ASSERT_EQUAL(std::string("ENOTSOCK"), call_bind("0"));
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->problem());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(AppSocketsTest, "app_sockets");

}  // namespace midair::sidecar
