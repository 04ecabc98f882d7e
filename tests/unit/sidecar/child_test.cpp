#include "process/child.h"

#include <cppunit/extensions/HelperMacros.h>
#include <stdlib.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "loop/process_table.h"
#include "midair/durable_file.h"
#include "script.h"
#include "sockets/listen_group.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class ChildTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ChildTest);
  CPPUNIT_TEST(a_program_that_is_not_there_is_named);
  CPPUNIT_TEST(a_file_that_is_not_executable_is_named);
  CPPUNIT_TEST(a_missing_interpreter_is_suspected);
  CPPUNIT_TEST(a_missing_working_directory_is_named);
  CPPUNIT_TEST(a_name_that_is_not_on_the_path_is_refused);
  CPPUNIT_TEST(a_failed_start_leaves_neither_child_nor_descriptor);
  CPPUNIT_TEST(a_relative_program_is_found_in_the_working_directory);
  CPPUNIT_TEST(a_bare_name_is_found_on_the_path_it_is_started_with);
  CPPUNIT_TEST(variables_are_set_and_unset);
  CPPUNIT_TEST(listen_variables_describe_the_passed_descriptors);
  CPPUNIT_TEST(listen_variables_are_unset_without_descriptors);
  CPPUNIT_TEST(descriptors_that_cross_over_arrive_in_order);
  CPPUNIT_TEST(a_descriptor_arrives_where_our_own_table_is_free);
  CPPUNIT_TEST(a_bad_descriptor_name_is_refused);
  CPPUNIT_TEST(no_other_descriptor_is_open);
  CPPUNIT_TEST(standard_input_is_dev_null);
  CPPUNIT_TEST(signals_are_reset);
  CPPUNIT_TEST(it_leads_a_session_of_its_own);
  CPPUNIT_TEST(signal_reaches_the_main_process_only);
  CPPUNIT_TEST(signal_group_reaches_grandchildren);
  CPPUNIT_TEST(destruction_kills_grandchildren_in_other_groups);
  CPPUNIT_TEST(a_process_that_has_ended_is_not_signalled_but_its_group_is);
  CPPUNIT_TEST(the_end_of_the_main_process_is_told);
  CPPUNIT_TEST(it_is_over_when_nothing_of_it_lives);
  CPPUNIT_TEST(a_daemon_is_counted_signalled_and_killed);
  CPPUNIT_TEST(all_of_it_dies_with_its_parent);
  CPPUNIT_TEST(what_gave_up_its_privileges_dies_with_its_parent);
  CPPUNIT_TEST(it_is_killed_when_its_subreaper_was);
  CPPUNIT_TEST(the_subreaper_has_nothing_of_ours_and_no_ear_for_signals);
  CPPUNIT_TEST(the_port_mapper_is_left_alone);
  CPPUNIT_TEST(it_holds_a_socket_until_it_closes_it);
  CPPUNIT_TEST(a_grandchild_holds_a_socket_too);
  CPPUNIT_TEST_SUITE_END();

  TempDir directory_;

  void write_file(const std::string& name, const std::string& text, fs::perms mode) const {
    std::ofstream(directory_.path() / name) << text;
    fs::permissions(directory_.path() / name, mode);
  }

  [[nodiscard]] Result<Child> spawn(std::vector<std::string> command) const {
    return Child::spawn({std::move(command), directory_.path(), {}, {}});
  }

  void a_program_that_is_not_there_is_named() {
    assert_fails(spawn({"./server"}), Errc::not_found, "cannot start ./server: No such file or directory. Try: ");
  }

  void a_file_that_is_not_executable_is_named() {
    write_file("server", "#!/bin/sh\n", fs::perms::owner_read);
    assert_fails(spawn({"./server"}), Errc::denied, "cannot start ./server: Permission denied. Try: chmod +x");
  }

  void a_missing_interpreter_is_suspected() {
    write_file("server", "#!/no/such/interpreter\n", fs::perms::owner_all);
    assert_fails(spawn({"./server"}), Errc::not_found, "interpreter");
  }

  void a_missing_working_directory_is_named() {
    assert_fails(Child::spawn({{"/bin/true"}, directory_.path() / "gone", {}, {}}), Errc::not_found, "cannot enter /");
  }

  void a_name_that_is_not_on_the_path_is_refused() {
    assert_fails(spawn({"no-such-program"}), Errc::not_found, "cannot start no-such-program: it is not on the PATH");
    assert_fails(spawn({}), Errc::bad_input);
  }

  void a_failed_start_leaves_neither_child_nor_descriptor() {
    const auto open_before = open_descriptors();
    for (int i = 0; i < 3; ++i) CPPUNIT_ASSERT(!spawn({"./server"}).ok());
    CPPUNIT_ASSERT_EQUAL(open_before, open_descriptors());
    CPPUNIT_ASSERT(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
  }

  static std::ptrdiff_t open_descriptors() {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  }

  void a_relative_program_is_found_in_the_working_directory() {
    write_file("server", "#!/bin/sh\npwd >&3\necho \"$0 $1\" >&3\n", fs::perms::owner_all);
    Script script(SpawnSpec{{"./server", "one"}, directory_.path(), {}, {}});
    CPPUNIT_ASSERT_EQUAL(directory_.path().string() + "\n./server one\n", script.rest());
  }

  void a_bare_name_is_found_on_the_path_it_is_started_with() {
    write_file("my-server", "#!/bin/sh\necho found >&3\n", fs::perms::owner_all);
    for (const std::string& path :
         {"/nowhere:" + directory_.path().string(), std::string("/nowhere:."), std::string()}) {
      Script script(SpawnSpec{{"my-server"}, directory_.path(), {{"PATH", path}}, {}});
      CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("found\n"), script.rest());
    }
  }

  void variables_are_set_and_unset() {
    ::setenv("MIDAIR_TEST_KEPT", "kept", 1);
    ::setenv("MIDAIR_TEST_GONE", "still here", 1);
    Script script(
        SpawnSpec{{"/bin/sh", "-c", "echo \"$MIDAIR_TEST_KEPT,${MIDAIR_TEST_GONE-gone},$MIDAIR_TEST_NEW\" >&3"},
                  {},
                  {{"MIDAIR_TEST_GONE", std::nullopt}, {"MIDAIR_TEST_NEW", "a b=c"}},
                  {}});
    CPPUNIT_ASSERT_EQUAL(std::string("kept,gone,a b=c\n"), script.rest());
    ::unsetenv("MIDAIR_TEST_KEPT");
    ::unsetenv("MIDAIR_TEST_GONE");
  }

  void listen_variables_describe_the_passed_descriptors() {
    const Pipe other;
    Script script("echo \"$LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES $$\" >&3", {{"http", other.write_end.get()}});
    const std::string pid = std::to_string(script.child().pid());
    CPPUNIT_ASSERT_EQUAL(pid + " 2 out:http " + pid + "\n", script.rest());
  }

  void listen_variables_are_unset_without_descriptors() {
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::setenv(name, "9", 1);
    Child child =
        value_of(spawn({"/bin/sh", "-c", "echo \"${LISTEN_PID-}${LISTEN_FDS-}${LISTEN_FDNAMES-}none\" > out"}));
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    await_end(child);
    std::ostringstream text;
    text << std::ifstream(directory_.path() / "out").rdbuf();
    CPPUNIT_ASSERT_EQUAL(std::string("none\n"), text.str());
  }

  void descriptors_that_cross_over_arrive_in_order() {
    // Numbers just above 3, handed over in the opposite order: each one's place is another one's number.
    std::vector<Fd> files;
    Script::Descriptors passed;
    for (const char name : {'c', 'b', 'a'}) {
      write_file({name}, {name, '\n'}, fs::perms::owner_all);
      files.push_back(value_of(open_file(directory_.path() / std::string{name}, O_RDONLY)));
      passed.insert(passed.begin(), {{name}, files.back().get()});
    }
    Script script("cat <&4 >&3; cat <&5 >&3; cat <&6 >&3", passed);
    CPPUNIT_ASSERT_EQUAL(std::string("a\nb\nc\n"), script.rest());
  }

  void a_descriptor_arrives_where_our_own_table_is_free() {
    // Nothing is open here at 3, so a copy made for the child could come to lie in its very place.
    Pipe pipe;
    constexpr int kOutOfTheWay = 100;
    const Fd read_end(::fcntl(pipe.read_end.get(), F_DUPFD_CLOEXEC, kOutOfTheWay));
    Fd write_end(::fcntl(pipe.write_end.get(), F_DUPFD_CLOEXEC, kOutOfTheWay));
    pipe.read_end.reset();
    pipe.write_end.reset();
    Child child = value_of(Child::spawn({{"/bin/sh", "-c", "echo here >&3"}, {}, {}, {{"out", write_end.get()}}}));
    write_end.reset();
    std::array<char, 8> text{};
    CPPUNIT_ASSERT_EQUAL(ssize_t(5), ::read(read_end.get(), text.data(), text.size()));
    await_end(child);
  }

  void a_bad_descriptor_name_is_refused() {
    const Pipe pipe;
    for (const std::string& name : {std::string(), std::string("a:b"), std::string("a\n"), std::string(256, 'x')})
      assert_fails(Child::spawn({{"/bin/true"}, {}, {}, {{name, pipe.write_end.get()}}}), Errc::bad_input);
    assert_fails(Child::spawn({{"/bin/true"}, {}, {}, {{"closed", -1}}}), Errc::io);
  }

  void no_other_descriptor_is_open() {
    const Fd leaky(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC, as a careless parent leaves them
    const Fd leaky_and_high(::fcntl(leaky.get(), F_DUPFD, 500));
    Script script("for fd in /proc/$$/fd/*; do [ -L $fd ] && echo ${fd##*/} >&3; done", {{"in", leaky.get()}});
    std::string seen;
    for (std::string line = script.line(); !line.empty(); line = script.line())
      if (std::stoi(line) < 10) seen += line;  // dash keeps a copy of a redirected one at 10
    CPPUNIT_ASSERT_EQUAL(std::string("01234"), seen);
    Script high("[ -e /proc/$$/fd/500 ] || echo closed >&3");
    CPPUNIT_ASSERT_EQUAL(std::string("closed\n"), high.rest());
  }

  void standard_input_is_dev_null() {
    Script script("readlink /proc/$$/fd/0 >&3");
    CPPUNIT_ASSERT_EQUAL(std::string("/dev/null\n"), script.rest());
  }

  void signals_are_reset() {
    sigset_t blocked{};
    sigset_t previous{};
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::sigaddset(&blocked, SIGRTMIN);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &previous);
    const auto previous_handler = ::signal(SIGPIPE, SIG_IGN);
    Script script("exec grep -E '^Sig(Blk|Ign)' /proc/$$/status >&3");
    ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
    ::signal(SIGPIPE, previous_handler);
    CPPUNIT_ASSERT_EQUAL(std::string("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"), script.rest());
  }

  void it_leads_a_session_of_its_own() {
    Script script("cat /proc/$$/stat >&3");
    const auto stat = parse_process_stat(script.line());
    CPPUNIT_ASSERT(stat.has_value());
    CPPUNIT_ASSERT_EQUAL(script.child().pid(), stat->session);
  }

  void signal_reaches_the_main_process_only() {
    Script script("trap 'echo main >&3; exit' USR1; sh -c 'echo ready >&3; exec sleep 1000' & wait");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    assert_ok(script.child().signal(SIGUSR1));
    CPPUNIT_ASSERT_EQUAL(std::string("main"), script.line());
    await_zombie(script.child().pid());
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), living_members(script.child().tree()).size());
  }

  void signal_group_reaches_grandchildren() {
    Script script("sleep 1000 & sleep 1000 & echo ready >&3; wait");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    script.child().signal_group(SIGTERM);
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
  }

  void destruction_kills_grandchildren_in_other_groups() {
    Script script(
        SpawnSpec{{"/bin/bash", "-c", "set -m; sleep 1000 & sleep 1000 & set +m; sleep 1000 & echo ready >&3; wait"},
                  {},
                  {},
                  {}});  // dash has no job control here
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    { const Child ended = std::move(script.child()); }
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());  // comes only when the last of them is dead
  }

  /// Leaves session, parents, descriptors and environment behind, all but the pipe to the test.
  static constexpr const char* kDaemonize = "env -i setsid -f setsid -f sleep 1000; ";

  void the_end_of_the_main_process_is_told() {
    Script exits("exit 3");
    CPPUNIT_ASSERT_EQUAL(std::string("exited with status 3"), await_end(exits.child()).text());
    Script killed("kill -9 $$");
    CPPUNIT_ASSERT_EQUAL(std::string("was killed by signal 9 (KILL)"), await_end(killed.child()).text());
  }

  void it_is_over_when_nothing_of_it_lives() {
    const Pipe go;
    Script script("setsid -f sh -c 'echo ready >&3; read line <&4'; exit 7", {{"go", go.read_end.get()}});
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    CPPUNIT_ASSERT_EQUAL(7, await_end(script.child()).code());
    CPPUNIT_ASSERT(script.child().lives() && !script.child().over());
    assert_ok(write_all(go.write_end.get(), "go\n", "the pipe"));
    await_over(script.child());
    CPPUNIT_ASSERT(!script.child().lives());
    CPPUNIT_ASSERT_EQUAL(7, script.child().ended()->code());
  }

  void a_daemon_is_counted_signalled_and_killed() {
    Script script(std::string(kDaemonize) + kDaemonize + "echo ready >&3; exit 0");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    await_end(script.child());
    auto daemons = living_members(script.child().tree());
    CPPUNIT_ASSERT(daemons.size() >= 2);
    while (daemons.size() != 2) daemons = living_members(script.child().tree());  // until those between have ended
    CPPUNIT_ASSERT(is_member(daemons.front(), script.child().tree()));
    CPPUNIT_ASSERT(script.child().signal_rest(0));
    { const Child ended = std::move(script.child()); }
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());  // comes only when the last of them is dead
  }

  void it_is_killed_when_its_subreaper_was() {
    Script script("sleep 1000 & echo ready >&3; trap '' TERM; while :; do wait; done");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    ::kill(script.child().tree().root.pid, SIGKILL);
    CPPUNIT_ASSERT_EQUAL(128 + SIGKILL, await_end(script.child()).code());
    CPPUNIT_ASSERT(script.child().over());
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
  }

  void the_subreaper_has_nothing_of_ours_and_no_ear_for_signals() {
    const Fd leaky(::open("/dev/null", O_RDONLY));
    Script script(
        "for sig in HUP INT QUIT TERM USR1 USR2 PIPE ALRM CHLD; do kill -$sig $PPID; done; echo ready >&3; wait");
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    const pid_t subreaper = script.child().tree().root.pid;
    CPPUNIT_ASSERT_EQUAL(0, await_end(script.child()).code());
    Script other("echo $PPID >&3; sleep 1000");
    const fs::path process = "/proc/" + other.line();
    CPPUNIT_ASSERT(process != "/proc/" + std::to_string(subreaper));
    const auto only_its_link = [&] {
      std::error_code closed_meanwhile;
      return std::distance(fs::directory_iterator(process / "fd", closed_meanwhile), fs::directory_iterator()) <= 2;
    };
    while (!only_its_link()) std::this_thread::yield();  // it closes them beside the start of the program
  }

  void the_port_mapper_is_left_alone() {
    fs::copy_file("/bin/sleep", directory_ / "epmd");
    const Pipe go;
    Script script("setsid -f sh -c 'echo $$ >&3; exec " + (directory_ / "epmd").string() +
                      " 1000 >&3 2>&3 3<&-'; read line <&4; setsid -f sleep 1000; echo ready >&3",
                  {{"go", go.read_end.get()}});
    const pid_t port_mapper = std::stoi(script.line());
    while (process_stat(port_mapper)->name() != "epmd") std::this_thread::yield();
    assert_ok(write_all(go.write_end.get(), "go\n", "the pipe"));
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    await_end(script.child());
    CPPUNIT_ASSERT_EQUAL(std::size_t(1), living_members(script.child().tree()).size());
    const pid_t subreaper = script.child().tree().root.pid;
    { const Child ended = std::move(script.child()); }
    CPPUNIT_ASSERT_EQUAL(subreaper, ::waitpid(subreaper, nullptr, 0));
    CPPUNIT_ASSERT_EQUAL(0, ::kill(port_mapper, SIGKILL));
  }

  void a_process_that_has_ended_is_not_signalled_but_its_group_is() {
    Script script("sleep 1000 & exit 0");
    await_end(script.child());
    assert_fails(script.child().signal(SIGTERM), Errc::not_found);
    script.child().signal_group(SIGTERM);
    CPPUNIT_ASSERT_EQUAL(std::string(), script.rest());
    script.child().signal_group(SIGTERM);  // nobody is left, and nobody is hit
  }

  /// Starts a program in a process that is killed then; returns when all of the program is dead.
  static void outlive(const std::string& text) {
    Pipe pipe;
    Pipe ready;
    const pid_t parent = ::fork();
    if (parent == 0) {
      const auto child = Child::spawn(
          {{"/bin/sh", "-c", text}, {}, {}, {{"out", pipe.write_end.get()}, {"ready", ready.write_end.get()}}});
      ready.write_end.reset();
      char c = 0;
      const bool started = child.ok() && ::read(ready.read_end.get(), &c, 1) == 1;
      ::kill(::getpid(), started ? SIGKILL : SIGTERM);
    }
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(parent, ::waitpid(parent, &status, 0));
    CPPUNIT_ASSERT_EQUAL(SIGKILL, WTERMSIG(status));
    pipe.write_end.reset();
    char c = 0;
    CPPUNIT_ASSERT_EQUAL(ssize_t(0), ::read(pipe.read_end.get(), &c, 1));
  }

  void all_of_it_dies_with_its_parent() {
    outlive("echo >&4; exec sleep 1000");
    outlive("trap '' TERM HUP INT; " + std::string(kDaemonize) + "sleep 1000 & echo >&4; exec sleep 1000");
    outlive(std::string(kDaemonize) + "echo >&4; exit 0");
  }

  void what_gave_up_its_privileges_dies_with_its_parent() {
    if (::geteuid() != 0) return;  // only root can drop any
    outlive("exec setpriv --reuid=65534 --clear-groups sh -c 'setsid -f sleep 1000; echo >&4; exec sleep 1000'");
  }

  void it_holds_a_socket_until_it_closes_it() {
    auto group = value_of(ListenGroup::open(Poco::Net::SocketAddress("127.0.0.1", 0), false, ::geteuid(), false));
    const std::pair<std::string, int> socket("http", value_of(group.lend(1)));
    const std::vector<ino_t> inodes{value_of(tcp_socket(socket.second)).inode};
    const Pipe commands;
    Script script("echo ready >&3; read line <&5; exec 4<&-; echo closed >&3; read line <&5",
                  {socket, {"commands", commands.read_end.get()}});
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    CPPUNIT_ASSERT(script.child().holds_any_socket(inodes));
    CPPUNIT_ASSERT(!script.child().holds_any_socket({1}));
    CPPUNIT_ASSERT(!script.child().holds_any_socket({}));
    assert_ok(write_all(commands.write_end.get(), "go\n", "the pipe"));
    CPPUNIT_ASSERT_EQUAL(std::string("closed"), script.line());
    CPPUNIT_ASSERT(!script.child().holds_any_socket(inodes));
  }

  void a_grandchild_holds_a_socket_too() {
    auto group = value_of(ListenGroup::open(Poco::Net::SocketAddress("127.0.0.1", 0), false, ::geteuid(), false));
    const std::pair<std::string, int> socket("http", value_of(group.lend(1)));
    const std::vector<ino_t> inodes{value_of(tcp_socket(socket.second)).inode};
    Script script("sleep 1000 & exec 4<&-; echo ready >&3; wait", {socket});
    CPPUNIT_ASSERT_EQUAL(std::string("ready"), script.line());
    CPPUNIT_ASSERT(script.child().holds_any_socket(inodes));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ChildTest, "child");

}  // namespace midair::sidecar
