#include "process/why_unserved.h"

#include <cppunit/extensions/HelperMacros.h>

namespace midair::sidecar {

using Poco::Net::SocketAddress;

class WhyUnservedTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(WhyUnservedTest);
  CPPUNIT_TEST(the_likeliest_cause_is_named);
  CPPUNIT_TEST(without_a_lent_socket_nothing_is_said);
  CPPUNIT_TEST_SUITE_END();

  static constexpr ino_t kLent = 7;

  static Listener lent(pid_t pid, unsigned long waiting = 0) {
    return {pid, {SocketAddress("0.0.0.0", 8080), waiting, kLent}};
  }
  static Listener own(pid_t pid, const std::string& host) { return {pid, {SocketAddress(host, 8000), 0, 9}}; }

  void the_likeliest_cause_is_named() {
    const std::map<pid_t, std::filesystem::path> alone{{10, "/usr/bin/python3"}, {11, "/usr/bin/python3"}};
    const std::map<pid_t, std::filesystem::path> wrapped{{10, "/bin/dash"}, {12, "/usr/bin/python3"}};
    struct Row {
      const char* what;
      std::map<pid_t, std::filesystem::path> programs;
      std::vector<Listener> listeners;
      std::vector<const char*> says;
    };
    const std::vector<Row> rows{
        {"loopback",
         alone,
         {lent(10), own(10, "127.0.0.1")},
         {"process 10 (python3) listens on 127.0.0.1:8000 (this machine only), not on the socket of 0.0.0.0:8080"}},
        {"another port", alone, {own(11, "0.0.0.0")}, {"process 11 (python3) listens on 0.0.0.0:8000, not on"}},
        {"misled by a wrapper",
         wrapped,
         {lent(10), lent(12), own(12, "127.0.0.1")},
         {"process 12 (python3) listens on 127.0.0.1:8000", "LISTEN_PID names process 10 (dash), a wrapper"}},
        {"a wrapper", wrapped, {lent(10), lent(12, 3)}, {"LISTEN_PID names process 10 (dash)", "not process 12"}},
        {"a wrapper that keeps the socket",
         wrapped,
         {lent(10)},
         {"process 10 (dash) has not passed the listening socket on to process 12 (python3)"}},
        {"a closed socket", alone, {}, {"none of its processes has the listening socket open"}},
        {"nobody accepts", alone, {lent(10, 3)}, {"3 connections wait on 0.0.0.0:8080", "process 10 (python3)"}},
        {"unreadable", {{10, ""}, {12, ""}}, {lent(10, 3)}, {"though process 10 has the socket open"}},
    };
    for (const Row& row : rows) {
      const std::string why =
          why_unserved({10, row.programs, {{kLent, SocketAddress("0.0.0.0", 8080)}}, row.listeners});
      for (const char* words : row.says)
        CPPUNIT_ASSERT_MESSAGE(std::string(row.what) + ": " + why, why.find(words) != std::string::npos);
    }
    CPPUNIT_ASSERT_EQUAL(std::string(),
                         why_unserved({10, alone, {{kLent, SocketAddress("0.0.0.0", 8080)}}, {lent(10)}}));
  }

  void without_a_lent_socket_nothing_is_said() {
    CPPUNIT_ASSERT_EQUAL(std::string(), why_unserved({10, {{10, "/bin/dash"}, {12, "/bin/true"}}, {}, {}}));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(WhyUnservedTest, "why_unserved");

}  // namespace midair::sidecar
