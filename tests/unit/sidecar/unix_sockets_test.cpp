#include "sockets/unix_sockets.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <memory>

#include "adopted_app.h"
#include "loop/unix_table.h"
#include "sockets/app_sockets.h"
#include "temp_dir.h"

namespace midair::sidecar {

namespace {

constexpr unsigned kOld = 1;
constexpr unsigned kNew = 2;
constexpr mode_t kPermissions = 0777;

Fd connected(const std::filesystem::path& path) {
  Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{AF_UNIX, {}};
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  CPPUNIT_ASSERT_EQUAL(0, ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  return client;
}

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  CPPUNIT_ASSERT_EQUAL(0, ::lstat(path.c_str(), &status));
  return status;
}

}  // namespace

/// Two generations that listen on one path.
class UnixSocketsTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(UnixSocketsTest);
  CPPUNIT_TEST(the_switch_leads_clients_and_so_does_the_way_back);
  CPPUNIT_TEST(the_private_way_reaches_the_candidate_only);
  CPPUNIT_TEST(who_unlinks_removes_its_own_file);
  CPPUNIT_TEST(who_tries_by_connecting_meets_nobody);
  CPPUNIT_TEST(files_are_as_the_app_would_have_made_them);
  CPPUNIT_TEST(another_user_makes_a_file_of_its_own);
  CPPUNIT_TEST(paths_may_be_relative);
  CPPUNIT_TEST(nothing_is_left_of_who_has_ended);
  CPPUNIT_TEST(who_comes_back_finds_its_path_free);
  CPPUNIT_TEST(who_has_connections_has_not_answered_all);
  CPPUNIT_TEST(what_is_not_led_is_kept_and_that_is_told);
  CPPUNIT_TEST(other_files_are_the_apps_own);
  CPPUNIT_TEST(left_names_are_removed);
  CPPUNIT_TEST(a_line_of_the_kernels_table_is_read);
  CPPUNIT_TEST_SUITE_END();

  TempDir dir_;
  std::filesystem::path path_ = dir_ / "app.sock";
  std::unique_ptr<EventLoop> loop_ = value_of(EventLoop::create());
  std::map<unsigned, std::unique_ptr<AdoptedApp>> apps_;
  std::unique_ptr<AppSockets> sockets_;

 public:
  void setUp() override {
    ::chmod(dir_.path().c_str(), kPermissions);
    open({path_});
  }
  void tearDown() override {
    while (!apps_.empty()) end(apps_.begin()->first);
  }

 private:
  void open(std::vector<std::string> led) {
    AppSockets::Settings settings{SocketMode::adopt, {}, {}, std::move(led)};
    sockets_ = value_of(AppSockets::open(*loop_, std::move(settings), [](unsigned, ino_t) { return true; }));
  }
  AdoptedApp& start(unsigned generation, std::vector<std::string> before = {}) {
    auto& app = apps_[generation] =
        std::make_unique<AdoptedApp>(*loop_, std::move(before), Script::Descriptors(), sockets_->hears_paths());
    sockets_->hear(generation, app->child().take_socket_calls());
    assert_does(*app, "p = '" + path_.string() + "'; s = socket.socket(socket.AF_UNIX)");
    return *app;
  }
  void end(unsigned generation) {
    const pid_t subreaper = apps_.at(generation)->child().tree().root.pid;
    apps_.erase(generation);
    ::waitpid(subreaper, nullptr, 0);
    sockets_->ended(generation);
  }
  void assert_does(AdoptedApp& app, const std::string& line) const {
    CPPUNIT_ASSERT_EQUAL_MESSAGE(line, std::string("done"), app.run(line));
  }
  void assert_served_by(AdoptedApp& app) const {
    const Fd client = connected(path_);
    assert_does(app, "took(s)");
  }
  AdoptedApp& start_listening(unsigned generation) {
    AdoptedApp& app = start(generation);
    assert_does(app, "s.bind(p); s.listen()");
    return app;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir_.path()), {}));
  }

  void the_switch_leads_clients_and_so_does_the_way_back() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    CPPUNIT_ASSERT_EQUAL(path_.string(), sockets_->missing(kNew));
    AdoptedApp& after = start_listening(kNew);
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->missing(kNew));
    for (int i = 0; i < 3; ++i) {
      assert_served_by(before);
      sockets_->serve_with(kNew);
      assert_served_by(after);
      sockets_->serve_with(kOld);
    }
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->problem());
  }

  void the_private_way_reaches_the_candidate_only() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    AdoptedApp& after = start_listening(kNew);
    const Fd probe = value_of(sockets_->connect_to(kNew));
    assert_does(after, "took(s)");
    CPPUNIT_ASSERT_EQUAL(std::string("EAGAIN"), before.run("took(s)"));
    CPPUNIT_ASSERT_EQUAL(path_.string(), sockets_->address_of(kNew));
  }

  void who_unlinks_removes_its_own_file() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    AdoptedApp& after = start(kNew);
    assert_does(after, "os.unlink(p)");
    assert_served_by(before);
    assert_does(after, "s.bind(p); s.listen(); os.unlink(p); s = socket.socket(socket.AF_UNIX); s.bind(p); s.listen()");
    sockets_->serve_with(kNew);
    assert_does(before, "os.unlink(p)");
    assert_served_by(after);
    assert_does(after, "os.unlink(s.getsockname())");  // as gunicorn at its end
    CPPUNIT_ASSERT_EQUAL(std::size_t{0}, files());
    assert_does(after, "s = socket.socket(socket.AF_UNIX); s.bind(p); s.listen()");
    assert_served_by(after);
  }

  void who_tries_by_connecting_meets_nobody() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    AdoptedApp& after = start(kNew);
    const std::string tries = "c = socket.socket(socket.AF_UNIX); c.connect(p)";
    CPPUNIT_ASSERT_EQUAL(std::string("ECONNREFUSED"), after.run(tries));
    assert_does(before, tries);
    assert_does(before, "took(s)");
    assert_does(after, "s.bind(p); s.listen()");
    assert_does(after, tries);  // from now on the path leads where it leads everybody
    assert_does(before, "took(s)");
  }

  void files_are_as_the_app_would_have_made_them() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start(kOld);
    assert_does(before, "os.umask(0o027); s.bind(p); s.listen()");
    CPPUNIT_ASSERT_EQUAL(mode_t{0750}, status_of(path_).st_mode & kPermissions);
    AdoptedApp& after = start(kNew);
    assert_does(after, "os.umask(0o007); s.bind(p); s.listen()");
    CPPUNIT_ASSERT_EQUAL(mode_t{0750}, status_of(path_).st_mode & kPermissions);
    sockets_->serve_with(kNew);
    CPPUNIT_ASSERT_EQUAL(mode_t{0770}, status_of(path_).st_mode & kPermissions);
    sockets_->serve_with(kOld);
    assert_does(after, "os.chmod(p, 0o600)");
    if (::geteuid() == 0) assert_does(after, "os.chown(p, 65534, 65533)");
    CPPUNIT_ASSERT_EQUAL(mode_t{0750}, status_of(path_).st_mode & kPermissions);
    sockets_->serve_with(kNew);
    CPPUNIT_ASSERT_EQUAL(mode_t{0600}, status_of(path_).st_mode & kPermissions);
    if (::geteuid() == 0) CPPUNIT_ASSERT_EQUAL(gid_t{65533}, status_of(path_).st_gid);
  }

  void another_user_makes_a_file_of_its_own() {
    if (::geteuid() != 0) return;
    sockets_->serve_with(kOld);
    start_listening(kOld);
    const std::vector<std::string> nobody{"setpriv", "--reuid", "65534", "--regid", "65533", "--clear-groups"};
    AdoptedApp& after = start(kNew, nobody);
    ::chmod(dir_.path().c_str(), 0755);
    CPPUNIT_ASSERT_EQUAL(std::string("EACCES"), after.run("s.bind(p)"));
    ::chmod(dir_.path().c_str(), kPermissions);
    assert_does(after, "s.bind(p); s.listen()");
    CPPUNIT_ASSERT_EQUAL(std::string("EPERM"), after.run("os.chown(p, 0, 0)"));
    sockets_->serve_with(kNew);
    CPPUNIT_ASSERT_EQUAL(uid_t{65534}, status_of(path_).st_uid);
    CPPUNIT_ASSERT_EQUAL(gid_t{65533}, status_of(path_).st_gid);
    assert_served_by(after);
  }

  void paths_may_be_relative() {
    sockets_->serve_with(kOld);
    const std::string there = "os.chdir('" + dir_.path().string() + "'); ";
    AdoptedApp& before = start(kOld);
    assert_does(before, there + "s.bind('app.sock'); s.listen()");
    AdoptedApp& after = start(kNew);
    assert_does(after, there + "os.unlink('./app.sock', dir_fd=os.open('.', os.O_RDONLY))");
    assert_does(after, "s.bind('app.sock'); s.listen()");
    assert_served_by(before);
    sockets_->serve_with(kNew);
    assert_served_by(after);
  }

  void nothing_is_left_of_who_has_ended() {
    sockets_->serve_with(1);
    start_listening(1);
    for (unsigned generation = 2; generation < 6; ++generation) {
      AdoptedApp& app = start_listening(generation);
      sockets_->serve_with(generation);
      end(generation - 1);
      CPPUNIT_ASSERT_EQUAL(std::size_t{1}, files());
      assert_served_by(app);
    }
  }

  void who_comes_back_finds_its_path_free() {
    sockets_->serve_with(kOld);
    start_listening(kOld);
    end(kOld);
    sockets_->serve_with(kNew);
    assert_served_by(start_listening(kNew));
  }

  void who_has_connections_has_not_answered_all() {
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    start_listening(kNew);
    CPPUNIT_ASSERT(sockets_->has_answered_all(kOld));
    {
      const Fd client = connected(path_);
      CPPUNIT_ASSERT(!sockets_->has_answered_all(kOld));
      sockets_->serve_with(kNew);
      CPPUNIT_ASSERT(sockets_->has_answered_all(kNew));
      assert_does(before, "c = s.accept()[0]");
      CPPUNIT_ASSERT(!sockets_->has_answered_all(kOld));
    }
    assert_does(before, "c.close()");
    CPPUNIT_ASSERT(sockets_->has_answered_all(kOld));
  }

  void what_is_not_led_is_kept_and_that_is_told() {
    open({});
    sockets_->serve_with(kOld);
    AdoptedApp& before = start_listening(kOld);
    AdoptedApp& after = start(kNew);
    assert_does(after, "os.unlink(p)");
    CPPUNIT_ASSERT_EQUAL(std::string("EADDRINUSE"), after.run("s.bind(p)"));
    CPPUNIT_ASSERT(sockets_->conflict(kNew).find("give --unix " + path_.string()) != std::string::npos);
    CPPUNIT_ASSERT_EQUAL(std::string(), sockets_->conflict(kOld));
    assert_served_by(before);
    CPPUNIT_ASSERT(!sockets_->listens(kOld));
  }

  void other_files_are_the_apps_own() {
    sockets_->serve_with(kOld);
    start_listening(kOld);
    AdoptedApp& after = start(kNew);
    const std::string other = "'" + (dir_ / "sub").string() + "'";
    assert_does(after, "os.mkdir(" + other + "); q = " + other + " + '/app.sock'; s.bind(q); s.listen()");
    assert_does(after, "os.chmod(q, 0o600); os.unlink(q); os.mkdir(q); os.rmdir(q); os.rmdir(" + other + ")");
    assert_does(after, "t = socket.socket(socket.AF_UNIX); t.bind('\\0midair-test-' + str(os.getpid())); t.listen()");
    CPPUNIT_ASSERT_EQUAL(std::string("ENOENT"), after.run("os.unlink(q)"));
    CPPUNIT_ASSERT_EQUAL(path_.string(), sockets_->missing(kNew));
  }

  void left_names_are_removed() {
    sockets_->serve_with(kOld);
    start_listening(kOld);
    start_listening(kNew);
    CPPUNIT_ASSERT_EQUAL(std::size_t{3}, files());
    const UnixSockets next({path_.string()});
    CPPUNIT_ASSERT_EQUAL(std::size_t{1}, files());
  }

  void a_line_of_the_kernels_table_is_read() {
    const auto listening =
        parse_unix_socket("00000000a7d0baf0: 00000002 00000000 00010000 0001 01 1655079 /tmp/a b.sock");
    CPPUNIT_ASSERT(listening && listening->listens);
    CPPUNIT_ASSERT_EQUAL(ino_t{1655079}, listening->inode);
    CPPUNIT_ASSERT_EQUAL(std::string("/tmp/a b.sock"), listening->path);
    const auto waits = parse_unix_socket("00000000c743384e: 00000003 00000000 00000000 0001 02     0 /tmp/un.sock");
    CPPUNIT_ASSERT(waits && !waits->listens && waits->inode == 0);
    for (const char* line : {"", "Num       RefCount Protocol Flags    Type St Inode Path",
                             "00000000741d2913: 00000003 00000000 00000000 0001 03   628",
                             "00000000741d2913: 00000002 00000000 00010000 0001 01 628 @abstract", "1 2 3 x 1 1 z /a"})
      CPPUNIT_ASSERT_MESSAGE(line, !parse_unix_socket(line));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(UnixSocketsTest, "unix_sockets");

}  // namespace midair::sidecar
