#include "process/notify_socket.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "dead_socket.h"
#include "loop/process_table.h"
#include "process/fd_store.h"
#include "script.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

/// What an app needs to talk to its supervisor, without any library.
constexpr const char* kPrelude = R"(
import array, os, signal, socket
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
def say(text, fds=[]):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
    notify.sendmsg([text.encode('latin-1')], ancillary, 0, os.environ['NOTIFY_SOCKET'])
)";

}  // namespace

class NotifySocketTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(NotifySocketTest);
  CPPUNIT_TEST(fields_are_read_line_by_line);
  CPPUNIT_TEST(the_first_of_a_name_counts);
  CPPUNIT_TEST(a_nul_byte_is_refused_but_for_a_final_one);
  CPPUNIT_TEST(it_vanishes_with_its_object);
  CPPUNIT_TEST(an_app_that_gave_up_its_privileges_is_heard);
  CPPUNIT_TEST(nobody_else_is_heard_whatever_its_user);
  CPPUNIT_TEST(a_socket_left_by_a_dead_sidecar_is_replaced);
  CPPUNIT_TEST(a_socket_that_somebody_has_is_left_alone);
  CPPUNIT_TEST(a_path_that_is_too_long_is_refused);
  CPPUNIT_TEST(ready_and_immediate_exit_is_still_seen);
  CPPUNIT_TEST(a_helper_that_ended_is_still_known_as_a_zombie);
  CPPUNIT_TEST(a_daemon_that_ended_at_once_is_still_heard);
  CPPUNIT_TEST(a_message_of_another_generation_is_dropped_and_its_sender_named);
  CPPUNIT_TEST(what_is_too_long_or_malformed_is_dropped);
  CPPUNIT_TEST(sixteen_descriptors_come_through_and_seventeen_are_dropped_and_closed);
  CPPUNIT_TEST(a_memfd_goes_from_one_generation_to_the_next);
  CPPUNIT_TEST(nothing_to_drain_does_not_block);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;
  NotifySocket socket_ = value_of(NotifySocket::open(directory_.path() / "notify"));

  [[nodiscard]] SpawnSpec app(const std::string& python) const {
    return {{"/usr/bin/python3", "-c", kPrelude + python}, {}, {{"NOTIFY_SOCKET", socket_.path().string()}}, {}};
  }

  /// Runs the app to its end, leaves it a zombie, and drains what it said.
  std::vector<NotifyMessage> drain_after(Script& script) {
    await_zombie(script.child().pid());
    return socket_.drain(script.child().tree());
  }

  void send_ourselves(const std::string& text) const {
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.path().string().copy(address.sun_path, sizeof address.sun_path - 1);
    CPPUNIT_ASSERT_EQUAL(
        static_cast<ssize_t>(text.size()),
        ::sendto(fd.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  }

  /// A generation that we are of.
  static ProcessTree ourselves() { return {*ProcessId::of(::getppid()), {}, {}}; }

  static std::ptrdiff_t open_descriptors() {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  }

  void fields_are_read_line_by_line() {
    const auto fields = value_of(parse_notify_fields("READY=1\nSTATUS=all = well\n\nnonsense\n=x\nX_OWN=\n"));
    const std::map<std::string, std::string> expected{{"READY", "1"}, {"STATUS", "all = well"}, {"X_OWN", ""}};
    CPPUNIT_ASSERT(expected == fields);
    CPPUNIT_ASSERT(value_of(parse_notify_fields("")).empty());
    CPPUNIT_ASSERT(value_of(parse_notify_fields("\n\n")).empty());
  }

  void the_first_of_a_name_counts() {
    CPPUNIT_ASSERT_EQUAL(std::string("a"), value_of(parse_notify_fields("FDNAME=a\nFDNAME=b")).at("FDNAME"));
  }

  void a_nul_byte_is_refused_but_for_a_final_one() {
    CPPUNIT_ASSERT_EQUAL(std::string("1"), value_of(parse_notify_fields(std::string("READY=1\0", 8))).at("READY"));
    assert_fails(parse_notify_fields(std::string("READY=1\0\0", 9)), Errc::corrupt);
    assert_fails(parse_notify_fields(std::string("A=\0b", 4)), Errc::corrupt, "NUL");
  }

  void it_vanishes_with_its_object() {
    const fs::path path = directory_.path() / "other";
    {
      const NotifySocket other = value_of(NotifySocket::open(path));
      CPPUNIT_ASSERT(fs::is_socket(path));
    }
    CPPUNIT_ASSERT(!fs::exists(path));
  }

  /// The script, as another user where we may become one: the state directory lets pass, TempDir does not.
  SpawnSpec unprivileged_app(const std::string& python) const {
    fs::permissions(directory_.path(), fs::perms::owner_all | fs::perms::others_exec);
    return app("os.getuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n" + python);
  }

  void an_app_that_gave_up_its_privileges_is_heard() {
    Script script(unprivileged_app("say('READY=1')"));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), drain_after(script).size());
  }

  void nobody_else_is_heard_whatever_its_user() {
    Script stranger(unprivileged_app("say('READY=1')"));
    Script script(app("say('STATUS=true one')"));
    await_zombie(stranger.child().pid());
    const auto messages = drain_after(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
    CPPUNIT_ASSERT_EQUAL(script.child().pid(), messages.front().pid);
  }

  void a_socket_left_by_a_dead_sidecar_is_replaced() {
    const fs::path moved = directory_.path() / "moved";
    fs::rename(socket_.path(), moved);
    leave_dead_socket(socket_.path(), SOCK_DGRAM);
    NotifySocket again = value_of(NotifySocket::open(socket_.path()));
    send_ourselves("READY=1");
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), again.drain(ourselves()).size());
  }

  void a_socket_that_somebody_has_is_left_alone() {
    assert_fails(NotifySocket::open(socket_.path()), Errc::refused, "somebody listens there");
    send_ourselves("READY=1");
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), socket_.drain(ourselves()).size());
  }

  void a_path_that_is_too_long_is_refused() {
    assert_fails(NotifySocket::open(directory_.path() / std::string(108, 'x')), Errc::bad_input,
                 "longer than 107 bytes");
    assert_fails(NotifySocket::open(directory_.path() / "gone" / "notify"), Errc::not_found, "open the socket");
  }

  void ready_and_immediate_exit_is_still_seen() {
    Script script(app("say('READY=1\\nSTATUS=up\\nX_NEW=kept'); os._exit(0)"));
    auto messages = drain_after(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
    CPPUNIT_ASSERT_EQUAL(script.child().pid(), messages.front().pid);
    CPPUNIT_ASSERT_EQUAL(std::string("1"), messages.front().fields.at("READY"));
    CPPUNIT_ASSERT_EQUAL(std::string("kept"), messages.front().fields.at("X_NEW"));
  }

  void a_helper_that_ended_is_still_known_as_a_zombie() {
    Script script(
        app("pid = os.fork()\n"
            "if pid == 0:\n  say('READY=1')\n  os._exit(0)\n"
            "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n"
            "os.write(3, b'helper ended\\n')\nsignal.pause()"));
    CPPUNIT_ASSERT_EQUAL(std::string("helper ended"), script.line());
    const auto messages = socket_.drain(script.child().tree());
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
    CPPUNIT_ASSERT(messages.front().pid != script.child().pid());
  }

  void a_daemon_that_ended_at_once_is_still_heard() {
    Script script(
        app("if os.fork() == 0:\n  os.setsid()\n  if os.fork(): os._exit(0)\n"
            "  say('READY=1')\n  os._exit(0)\nsignal.pause()"));
    std::vector<NotifyMessage> messages;
    while (messages.empty()) {
      pollfd news{script.child().fd(), POLLIN, 0};
      ::poll(&news, 1, -1);
      messages = socket_.drain(script.child().tree());
      script.child().look();
    }
    CPPUNIT_ASSERT_EQUAL(std::string("1"), messages.front().fields.at("READY"));
  }

  void a_message_of_another_generation_is_dropped_and_its_sender_named() {
    send_ourselves("READY=1");
    Script other(app("say('STOPPING=1')"));
    await_zombie(other.child().pid());
    Script script(app("say('STATUS=true one')"));
    const auto messages = drain_after(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
    CPPUNIT_ASSERT_EQUAL(std::string("true one"), messages.front().fields.at("STATUS"));
    CPPUNIT_ASSERT_EQUAL(describe_process(::getpid()), socket_.stranger_that_was_ready());
  }

  void what_is_too_long_or_malformed_is_dropped() {
    Script script(
        app("say('S=' + 'x' * 4094); say('S=' + 'x' * 4095); say('A=\\0B'); say('\\xff\\xfe=\\xfd'); say('READY=1')"));
    const auto messages = drain_after(script);
    CPPUNIT_ASSERT_EQUAL(std::size_t(3), messages.size());
    CPPUNIT_ASSERT_EQUAL(std::size_t(4094), messages[0].fields.at("S").size());
    CPPUNIT_ASSERT_EQUAL(std::string("\xfd"), messages[1].fields.at("\xff\xfe"));
    CPPUNIT_ASSERT_EQUAL(std::string("1"), messages[2].fields.at("READY"));
  }

  void sixteen_descriptors_come_through_and_seventeen_are_dropped_and_closed() {
    const auto open_before = open_descriptors();
    {
      Script script(app("say('FDSTORE=1', [3] * 17); say('FDSTORE=1', [3] * 16)"));
      const auto messages = drain_after(script);
      CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
      CPPUNIT_ASSERT_EQUAL(NotifySocket::kMaxFds, messages.front().fds.size());
      for (const Fd& fd : messages.front().fds) CPPUNIT_ASSERT_EQUAL(FD_CLOEXEC, ::fcntl(fd.get(), F_GETFD));
    }
    CPPUNIT_ASSERT_EQUAL(open_before, open_descriptors());
  }

  void a_memfd_goes_from_one_generation_to_the_next() {
    FdStore store;
    Script old_one(
        app("fd = os.memfd_create('state')\nos.write(fd, b'42 visitors')\n"
            "say('FDSTORE=1\\nFDNAME=state', [fd])"));
    auto messages = drain_after(old_one);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.size());
    CPPUNIT_ASSERT_EQUAL(std::string("1"), messages.front().fields.at("FDSTORE"));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), messages.front().fds.size());
    assert_ok(store.add(messages.front().fields.at("FDNAME"), std::move(messages.front().fds.front())));

    SpawnSpec next = app("os.write(3, os.pread(4, 100, 0) + b' ' + os.environ['LISTEN_FDNAMES'].encode())");
    next.passed_fds = store.named();
    Script new_one(std::move(next));
    CPPUNIT_ASSERT_EQUAL(std::string("42 visitors out:state"), new_one.rest());
  }

  void nothing_to_drain_does_not_block() { CPPUNIT_ASSERT(socket_.drain(ourselves()).empty()); }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(NotifySocketTest, "notify_socket");

}  // namespace midair::sidecar
