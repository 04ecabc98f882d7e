#include "loop/socket_path.h"

#include <cppunit/extensions/HelperMacros.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "dead_socket.h"
#include "loop/unix_listener.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

class SocketPathTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(SocketPathTest);
  CPPUNIT_TEST(takes_the_place_of_a_dead_socket);
  CPPUNIT_TEST(leaves_alone_what_is_no_socket);
  CPPUNIT_TEST(leaves_alone_what_belongs_to_another);
  CPPUNIT_TEST(leaves_alone_where_somebody_listens);
  CPPUNIT_TEST(removes_at_its_end_only_what_is_its_own);
  CPPUNIT_TEST_SUITE_END();

  TempDir temp_;

  Result<UnixListener> listen(const std::string& name) { return listen_at(temp_ / name, 0600, 1); }

  void takes_the_place_of_a_dead_socket() {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      leave_dead_socket(temp_ / "dead", type);
      const UnixListener listener = value_of(listen("dead"));
    }
    CPPUNIT_ASSERT(!fs::exists(temp_ / "dead"));
  }

  void leaves_alone_what_is_no_socket() {
    std::ofstream(temp_ / "file") << "precious";
    CPPUNIT_ASSERT_EQUAL(0, ::mkfifo((temp_ / "fifo").c_str(), 0600));
    fs::create_directory(temp_ / "directory");
    fs::create_symlink(temp_ / "file", temp_ / "link");
    for (const char* name : {"file", "fifo", "directory", "link"}) {
      assert_fails(listen(name), Errc::refused, "no socket");
      CPPUNIT_ASSERT_MESSAGE(name, fs::exists(fs::symlink_status(temp_ / name)));
    }
  }

  void leaves_alone_what_belongs_to_another() {
    if (::geteuid() != 0) return;  // nobody else can be made its owner
    leave_dead_socket(temp_ / "foreign", SOCK_STREAM);
    CPPUNIT_ASSERT_EQUAL(0, ::lchown((temp_ / "foreign").c_str(), 65534, 65534));
    assert_fails(listen("foreign"), Errc::refused, "another user");
    CPPUNIT_ASSERT(fs::exists(temp_ / "foreign"));
  }

  void leaves_alone_where_somebody_listens() {
    const UnixListener first = value_of(listen("live"));
    assert_fails(listen("live"), Errc::refused, "somebody listens there");
    CPPUNIT_ASSERT(fs::is_socket(temp_ / "live"));
  }

  void removes_at_its_end_only_what_is_its_own() {
    {
      const UnixListener listener = value_of(listen("ours"));
      fs::remove(temp_ / "ours");
      std::ofstream(temp_ / "ours") << "of another";
    }
    CPPUNIT_ASSERT(fs::exists(temp_ / "ours"));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(SocketPathTest, "socket_path");

}  // namespace midair::sidecar
