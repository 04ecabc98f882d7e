#include "connections/generation_connections.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "kept_alive_app.h"
#include "result_asserts.h"

namespace midair::sidecar {

using std::chrono::milliseconds;

class GenerationConnectionsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(GenerationConnectionsTest);
  CPPUNIT_TEST(a_look_finds_what_a_process_has_accepted);
  CPPUNIT_TEST(of_two_generations_each_has_its_own);
  CPPUNIT_TEST(it_may_be_made_in_small_parts);
  CPPUNIT_TEST(the_processes_are_asked_for_after_the_kernel);
  CPPUNIT_TEST(who_has_ended_has_nothing);
  CPPUNIT_TEST(who_does_not_let_us_look_is_an_error);
  CPPUNIT_TEST(looking_again_finds_those_that_are_still_there);
  CPPUNIT_TEST(a_duplicate_is_the_same_socket);
  CPPUNIT_TEST(another_descriptor_is_not_duplicated);
  CPPUNIT_TEST_SUITE_END();

  SocketDiag diag_ = value_of(SocketDiag::open());

  OwnSockets look(std::uint16_t port, std::vector<pid_t> processes) {
    auto look = value_of(GenerationLook::begin(diag_, {port}, [&] { return processes; }));
    while (!value_of(look.read_on(milliseconds(5)))) {
    }
    return look.sockets();
  }

  void a_look_finds_what_a_process_has_accepted() {
    KeptAliveApp app;
    const Fd client = app.ask("/");
    CPPUNIT_ASSERT(KeptAliveApp::read_some(client).starts_with("HTTP/1.1 200"));
    const OwnSockets own = look(app.port(), app.processes());
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), own.size());
    const auto& [inode, socket] = *own.begin();
    CPPUNIT_ASSERT_EQUAL(app.pid(), socket.pid);
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), socket.connections.size());
    CPPUNIT_ASSERT_EQUAL(inode, socket.connections.front().inode);
    CPPUNIT_ASSERT(socket.connections.front().remote == local_end(client.get()));
    CPPUNIT_ASSERT(look(app.port(), {}).empty());
  }

  /// The second process inherits the listening socket and takes the second connection.
  void of_two_generations_each_has_its_own() {
    const Fd listener = listen_on(AF_INET);
    const Fd first = connect_to(port_of(listener));
    const Fd accepted = accept_from(listener);
    const Fd second = connect_to(port_of(listener));
    Script other(SpawnSpec{{"/usr/bin/python3", "-c",
                            "import os, socket, threading\n"
                            "held = socket.socket(fileno=4).accept()\n"
                            "os.write(3, b'accepted\\n')\n"
                            "threading.Event().wait()\n"},
                           {},
                           {},
                           {{"listener", listener.get()}}});
    CPPUNIT_ASSERT_EQUAL(std::string("accepted"), other.line());
    const OwnSockets ours = look(port_of(listener), {::getpid()});
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), ours.size());
    CPPUNIT_ASSERT_EQUAL(inode_of(accepted), ours.begin()->first);
    CPPUNIT_ASSERT_EQUAL(accepted.get(), ours.begin()->second.fd);
    const OwnSockets theirs = look(port_of(listener), {other.child().pid()});
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), theirs.size());
    CPPUNIT_ASSERT(theirs.begin()->second.connections.front().remote == local_end(second.get()));
  }

  void it_may_be_made_in_small_parts() {
    constexpr std::size_t kMany = 50;
    const Fd listener = listen_on(AF_INET);
    std::vector<Fd> sockets;
    while (sockets.size() < 2 * kMany) {
      sockets.push_back(connect_to(port_of(listener)));
      sockets.push_back(accept_from(listener));
    }
    auto look = value_of(GenerationLook::begin(diag_, {port_of(listener)}, [] { return std::vector{::getpid()}; }));
    int parts = 1;
    while (!value_of(look.read_on(std::chrono::nanoseconds(0)))) ++parts;
    CPPUNIT_ASSERT(parts >= static_cast<int>(kMany));
    CPPUNIT_ASSERT_EQUAL(kMany, look.sockets().size());
  }

  /// A process that is listed is one that may have got a connection which the kernel has told of.
  void the_processes_are_asked_for_after_the_kernel() {
    const Fd listener = listen_on(AF_INET);
    const Fd client = connect_to(port_of(listener));
    const Fd accepted = accept_from(listener);
    Fd later;
    Fd later_accepted;
    const auto list = [&] {
      later = connect_to(port_of(listener));
      later_accepted = accept_from(listener);
      return std::vector{::getpid()};
    };
    auto look = value_of(GenerationLook::begin(diag_, {port_of(listener)}, list));
    while (!value_of(look.read_on(milliseconds(5)))) {
    }
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), look.sockets().count(inode_of(accepted)));
    CPPUNIT_ASSERT_EQUAL(std::size_t(0), look.sockets().count(inode_of(later_accepted)));
  }

  void who_has_ended_has_nothing() {
    const Fd listener = listen_on(AF_INET);
    const Fd client = connect_to(port_of(listener));
    const Fd accepted = accept_from(listener);
    Script over("exit 0");
    await_zombie(over.child().pid());
    CPPUNIT_ASSERT(look(port_of(listener), {over.child().pid(), 1 << 30}).empty());
  }

  /// Process 1 is root's, and a thread of ours another user's.
  void who_does_not_let_us_look_is_an_error() {
    const Fd listener = listen_on(AF_INET);
    const Fd client = connect_to(port_of(listener));
    const Fd accepted = accept_from(listener);
    std::optional<Result<bool>> is_read;
    std::thread([&] {
      constexpr uid_t kNobody = 65534;
      ::syscall(SYS_setresuid, kNobody, kNobody, kNobody);  // of this thread only; fails unless we are root
      auto look = GenerationLook::begin(diag_, {port_of(listener)}, [] { return std::vector<pid_t>{1}; });
      if (look.ok())
        while ((is_read = look->read_on(milliseconds(5)))->ok() && !**is_read) {
        }
    }).join();
    CPPUNIT_ASSERT(is_read.has_value());
    assert_fails(*is_read, Errc::denied, "the descriptors of process 1");
  }

  void looking_again_finds_those_that_are_still_there() {
    const Fd listener = listen_on(AF_INET);
    const Fd stays = connect_to(port_of(listener));
    const Fd accepted = accept_from(listener);
    const Fd goes = connect_to(port_of(listener));
    Fd closed = accept_from(listener);
    const OwnSockets known = look(port_of(listener), {::getpid()});
    CPPUNIT_ASSERT_EQUAL(std::size_t(2), known.size());
    closed.reset();
    const Fd comes = connect_to(port_of(listener));
    const Fd unknown = accept_from(listener);
    send_text(accepted, "123");
    const OwnSockets again = value_of(look_again(diag_, {port_of(listener)}, known));
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), again.size());
    const OwnSocket& socket = again.at(inode_of(accepted));
    CPPUNIT_ASSERT_EQUAL(accepted.get(), socket.fd);
    CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), socket.connections.front().bytes_sent.value());
  }

  void a_duplicate_is_the_same_socket() {
    KeptAliveApp app;
    const Fd client = app.ask("/");
    KeptAliveApp::read_some(client);
    const OwnSockets own = look(app.port(), app.processes());
    const auto& [inode, socket] = *own.begin();
    const Fd duplicate = value_of(duplicate_socket(socket.pid, socket.fd, inode));
    CPPUNIT_ASSERT_EQUAL(inode, inode_of(duplicate));
    CPPUNIT_ASSERT((::fcntl(duplicate.get(), F_GETFD) & FD_CLOEXEC) != 0);
  }

  void another_descriptor_is_not_duplicated() {
    const Fd listener = listen_on(AF_INET);
    Pipe pipe;
    const ino_t inode = inode_of(listener);
    assert_fails(duplicate_socket(::getpid(), listener.get(), inode + 1), Errc::not_found);
    assert_fails(duplicate_socket(::getpid(), pipe.read_end.get(), inode_of(pipe.read_end)), Errc::not_found);
    assert_fails(duplicate_socket(::getpid(), 1 << 20, inode), Errc::not_found);
    assert_fails(duplicate_socket(1 << 30, 3, inode), Errc::not_found);
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(GenerationConnectionsTest, "generation_connections");

}  // namespace midair::sidecar
