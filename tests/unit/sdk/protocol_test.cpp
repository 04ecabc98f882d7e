#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "in_child.h"
#include "sessions_app.h"
#include "temp_dir.h"

namespace midair {

namespace {

constexpr int kPollMs = 60'000;

/// The sidecar's end of the protocol, as bare lines.
class FakeSidecar {
 public:
  FakeSidecar() : path_(dir_ / "app.sock"), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    CPPUNIT_ASSERT_EQUAL(0, ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    CPPUNIT_ASSERT_EQUAL(0, ::listen(listener_, 1));
    ::setenv("MIDAIR_SOCKET", path_.c_str(), 1);
  }
  ~FakeSidecar() {
    hang_up();
    ::close(listener_);
  }
  FakeSidecar(const FakeSidecar&) = delete;
  FakeSidecar& operator=(const FakeSidecar&) = delete;

  /// Starts the app and greets it; gives its hello.
  std::string meet(const std::string& variant, bool wait = false) {
    modules_ = kModules + "/" + variant;
    auto started = std::async(std::launch::async, [this] {
      midair_app_options options{};
      options.modules_dir = modules_.c_str();
      options.log = [](void*, const char*) {};
      midair_error error{};
      const auto status = midair_app_start(&options, &error);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text, MIDAIR_OK, status);
    });
    fd_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string hello = receive();
    send(std::string(R"({"op":"welcome","protocol":1,"generation":1,"digest":"","wait":)") + (wait ? "true" : "false") +
         "}");
    started.get();
    return hello;
  }

  void send(const std::string& line) {
    const std::string bytes = line + "\n";
    CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(bytes.size()), ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  /// One line; empty at the end of the connection.
  std::string receive() {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
      CPPUNIT_ASSERT_EQUAL_MESSAGE("no answer", 1, ::poll(&readable, 1, kPollMs));
      char bytes[4096];
      const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return {};
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  std::string ask(const std::string& op, const std::string& fields = "") {
    send_request(op, fields);
    return receive();
  }
  void send_request(const std::string& op, const std::string& fields = "") {
    send("{\"id\":" + std::to_string(++id_) + ",\"op\":\"" + op + "\",\"deadline_ms\":60000" +
         (fields.empty() ? "" : "," + fields) + "}");
  }
  /// The answer to the last request, with these fields after its id.
  [[nodiscard]] std::string answer(const std::string& rest) const {
    return "{\"id\":" + std::to_string(id_) + "," + rest + "}";
  }
  void expect_ok(const std::string& op, const std::string& fields = "", const std::string& answered = "") {
    CPPUNIT_ASSERT_EQUAL(std::string(), missing_in(ask(op, fields), "\"ok\":true" + answered));
  }
  void expect_code(const std::string& code, const std::string& op, const std::string& fields = "") {
    CPPUNIT_ASSERT_EQUAL(std::string(), missing_in(ask(op, fields), "\"ok\":false,\"code\":\"" + code + "\""));
  }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  static std::string modules_field(const std::string& variant) {
    return R"("upgrade_id":"u","from":{"version":"1","digest":""},"to":{"version":"2","digest":"d"},"release_dir":")" +
           kModules + "/" + variant + R"(","modules":[)" + module_json(variant) + "]";
  }
  static std::string module_json(const std::string& variant) {
    return R"({"name":"sessions","path":"sessions.so","build_id":")" + SessionsApp::build_id_of(variant) + "\"}";
  }

 private:
  static std::string missing_in(const std::string& line, const std::string& part) {
    return line.find(part) != std::string::npos ? "" : part + " is missing in " + line;
  }

  const TempDir dir_;
  const std::string path_;
  std::string modules_;
  const int listener_;
  int fd_ = -1;
  std::string buffer_;
  unsigned id_ = 0;
};

int version_now() {
  const midair_call* const version = midair_bind("sessions", "version");
  CPPUNIT_ASSERT(midair_enter());
  const int number = reinterpret_cast<sessions_version*>(version->function)(version->state);
  midair_leave();
  return number;
}

std::uint64_t add_session(const std::string& text) {
  const midair_call* const add = midair_bind("sessions", "add");
  CPPUNIT_ASSERT(midair_enter());
  const auto count = reinterpret_cast<sessions_add*>(add->function)(add->state, 1, text.c_str());
  midair_leave();
  return count;
}

const std::string kHold = "\"hold_ms\":60000";

}  // namespace

class ProtocolTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProtocolTest);
  CPPUNIT_TEST(says_hello_with_what_it_can_do);
  CPPUNIT_TEST(swaps_in_place);
  CPPUNIT_TEST(goes_back_when_it_is_asked_to);
  CPPUNIT_TEST(reports_units_that_failed_and_leaves_the_verdict_to_the_sidecar);
  CPPUNIT_TEST(answers_what_it_cannot_do);
  CPPUNIT_TEST(ends_the_connection_at_what_is_no_message);
  CPPUNIT_TEST(an_abort_interrupts_a_migration);
  CPPUNIT_TEST(resumes_by_itself_when_the_hold_has_passed);
  CPPUNIT_TEST(undoes_everything_when_the_sidecar_is_gone);
  CPPUNIT_TEST(hands_its_state_to_another_process);
  CPPUNIT_TEST(imports_nothing_that_is_damaged);
  CPPUNIT_TEST(refuses_callers_once_it_was_succeeded);
  CPPUNIT_TEST(never_gets_its_turn_from_a_sidecar_that_is_gone);
  CPPUNIT_TEST(works_without_a_sidecar);
  CPPUNIT_TEST(a_child_of_the_app_takes_no_part);
  CPPUNIT_TEST(takes_requests_in_pieces_and_several_at_once);
  CPPUNIT_TEST_SUITE_END();

  void says_hello_with_what_it_can_do() {
    in_child([] {
      FakeSidecar sidecar;
      CPPUNIT_ASSERT_EQUAL(std::string(R"({"op":"hello","protocol":1,"sdk":"midair-c/1","capabilities":["state",)"
                                       R"("in-place"],"schema":"sessions/2","imports":["sessions/2","sessions/1"]})"),
                           sidecar.meet("v2"));
      midair_app_stop();
      CPPUNIT_ASSERT_EQUAL(std::string(), sidecar.receive());
    });
  }

  void swaps_in_place() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      add_session("kept");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("v2"), R"(,"changed":["sessions"])");
      CPPUNIT_ASSERT_EQUAL(1, version_now());
      sidecar.expect_ok("suspend", kHold);
      const std::string modules =
          R"(,"modules":[{"name":"sessions","build_id":")" + SessionsApp::build_id_of("v2") + R"("}])";
      sidecar.expect_ok("migrate", "", modules + R"(,"units_succeeded":1,"units_failed":0)");
      sidecar.expect_ok("resume", "", R"(,"suspended_ns":)");
      CPPUNIT_ASSERT_EQUAL(2, version_now());
      sidecar.expect_ok("health", "", modules);
      sidecar.expect_ok("commit");
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, add_session("another"));
      midair_app_stop();
    });
  }

  void goes_back_when_it_is_asked_to() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      for (const char* op : {"prepare", "suspend", "migrate", "resume"})
        sidecar.expect_ok(op, op == std::string("prepare") ? FakeSidecar::modules_field("v2") : kHold);
      add_session("born in version 2");
      sidecar.expect_ok("abort");
      CPPUNIT_ASSERT_EQUAL(1, version_now());
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, add_session("another"));
      sidecar.expect_ok("abort");
      midair_app_stop();
    });
  }

  void reports_units_that_failed_and_leaves_the_verdict_to_the_sidecar() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      add_session("one");
      add_session("two");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("crashes_in_rehearsal"));
      sidecar.expect_ok("abort");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("dislikes_every_tenth"));
      sidecar.expect_ok("suspend", kHold);
      sidecar.expect_ok("migrate", "", "");  // ids that end with 1 are fine
      sidecar.expect_ok("abort");
      const midair_call* const add = midair_bind("sessions", "add");
      reinterpret_cast<sessions_add*>(add->function)(add->state, 10, "an id that ends with 0");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("dislikes_every_tenth"));
      sidecar.expect_ok("suspend", kHold);
      const std::string migrated = sidecar.ask("migrate");
      CPPUNIT_ASSERT_MESSAGE(migrated, migrated.find(R"("units_succeeded":2,"units_failed":1})") != std::string::npos);
      sidecar.expect_code("out_of_order", "resume");
      sidecar.expect_ok("abort");
      CPPUNIT_ASSERT_EQUAL(1, version_now());
      midair_app_stop();
    });
  }

  void answers_what_it_cannot_do() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      sidecar.expect_code("unsupported", "dance");
      sidecar.expect_code("bad_request", "suspend");
      sidecar.expect_code("bad_request", "prepare", R"("modules":[])");
      sidecar.expect_code("bad_request", "prepare", R"("release_dir":"/r","modules":[{"name":"a"}])");
      for (const char* path : {"../x.so", "/x.so", "a/../../x.so", ""})
        sidecar.expect_code(
            "bad_request", "prepare",
            R"("release_dir":"/r","modules":[{"name":"a","build_id":"00","path":")" + std::string(path) + "\"}]");
      sidecar.expect_code("failed", "prepare",
                          R"("release_dir":"/r","modules":[{"name":"a","build_id":"00","path":"a.so"}])");
      sidecar.expect_code("out_of_order", "migrate");
      sidecar.expect_code("out_of_order", "export", R"("state_path":"/dev/null")");
      sidecar.expect_code("out_of_order", "import", R"("state_path":"/dev/null")");
      sidecar.send(R"({"id":99,"op":"health"})");
      const std::string answer = sidecar.receive();
      CPPUNIT_ASSERT_MESSAGE(answer, answer.starts_with(R"({"id":99,"ok":false,"code":"bad_request")"));
      sidecar.expect_ok("health");
      midair_app_stop();
    });
  }

  void ends_the_connection_at_what_is_no_message() {
    const std::string too_long(70'000, ' ');
    for (const std::string& line : {std::string("hello"), std::string("[]"), std::string(R"({"op":"health"})"),
                                    std::string(R"({"id":-1,"op":"health","deadline_ms":1})"), too_long})
      in_child([&line] {
        FakeSidecar sidecar;
        sidecar.meet("v1");
        sidecar.send(line);
        CPPUNIT_ASSERT_EQUAL(std::string(), sidecar.receive());
        CPPUNIT_ASSERT_EQUAL(1, version_now());
        midair_app_stop();
      });
  }

  void an_abort_interrupts_a_migration() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      for (int i = 0; i < 100'000; ++i) add_session("one of many");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("is_slow"));  // 100 s
      sidecar.expect_ok("suspend", kHold);
      sidecar.send_request("migrate");
      const std::string interrupted = sidecar.answer(R"("ok":false,"code":"failed")");
      sidecar.send_request("abort");
      CPPUNIT_ASSERT(sidecar.receive().starts_with(interrupted.substr(0, interrupted.size() - 1)));
      CPPUNIT_ASSERT_EQUAL(sidecar.answer(R"("ok":true)"), sidecar.receive());
      CPPUNIT_ASSERT_EQUAL(1, version_now());
      midair_app_stop();
    });
  }

  void resumes_by_itself_when_the_hold_has_passed() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("v2"));
      sidecar.expect_ok("suspend", "\"hold_ms\":50");
      CPPUNIT_ASSERT_EQUAL(1, version_now());  // waits for the gate to open
      sidecar.expect_code("expired", "migrate");
      sidecar.expect_code("expired", "resume");
      sidecar.expect_ok("abort");
      midair_app_stop();
    });
  }

  void undoes_everything_when_the_sidecar_is_gone() {
    for (const int steps : {1, 2, 3, 4})
      in_child([steps] {
        FakeSidecar sidecar;
        sidecar.meet("v1");
        const char* const ops[] = {"prepare", "suspend", "migrate", "resume"};
        for (int i = 0; i < steps; ++i) sidecar.expect_ok(ops[i], i == 0 ? FakeSidecar::modules_field("v2") : kHold);
        sidecar.hang_up();
        while (version_now() != 1) std::this_thread::yield();
        midair_app_stop();
      });
  }

  void hands_its_state_to_another_process() {
    const TempDir dir;
    const std::string path = dir / "state";
    std::ofstream{path}.flush();
    in_child([&path] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      for (int i = 0; i < 500; ++i) add_session("session " + std::to_string(i));
      sidecar.expect_code("out_of_order", "export", R"("state_path":")" + path + "\"");
      sidecar.expect_ok("suspend", kHold);
      sidecar.expect_ok("export", R"("state_path":")" + path + "\"", R"(,"schema":"sessions/1","bytes":)");
      sidecar.expect_ok("abort");
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{501}, add_session("after the abort"));
      midair_app_stop();
    });
    in_child([&path] {
      FakeSidecar sidecar;
      sidecar.meet("v2", true);
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_app_wait_for_turn(1, &error));
      sidecar.expect_ok("prepare", R"("upgrade_id":"u")");
      sidecar.expect_ok("import", R"("schema":"sessions/1","state_path":")" + path + "\"");
      CPPUNIT_ASSERT_EQUAL(MIDAIR_BUSY, midair_app_wait_for_turn(1, &error));
      sidecar.expect_ok("resume");
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_app_wait_for_turn(kLong, &error));
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{501}, add_session("born in version 2"));
      sidecar.expect_ok("commit");
      midair_app_stop();
    });
  }

  void imports_nothing_that_is_damaged() {
    const TempDir dir;
    const std::string path = dir / "state";
    std::ofstream{path}.flush();
    in_child([&path] {
      SessionsApp app("v1");
      app.add_many(3);
      midair_error error{};
      std::uint64_t bytes = 0;
      app.succeed(midair_swap_suspend(kLong, kLong, &error));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text, MIDAIR_OK, midair_swap_export(path.c_str(), &bytes, &error));
      CPPUNIT_ASSERT_EQUAL(std::uint64_t{std::filesystem::file_size(path)}, bytes);
    });
    std::ifstream file(path, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    in_child([&path, &whole] {
      SessionsApp app("v2", true);
      midair_error error{};
      const auto import = [&path, &error](const std::string& content) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
        return midair_swap_import(path.c_str(), &error);
      };
      for (std::size_t length = 0; length < whole.size(); ++length)
        CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, import(whole.substr(0, length)));
      for (std::size_t at = 0; at < 120; ++at) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(~flipped[at]);
        import(flipped);  // whatever it says, it must not crash
      }
      CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, import(whole + "x"));
      CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text, MIDAIR_OK, import(whole));
      app.succeed(app.resume());
      CPPUNIT_ASSERT_EQUAL(std::string("session 2"), app.text(2));
      CPPUNIT_ASSERT_EQUAL(std::string("(none)"), app.text(3));
    });
  }

  void refuses_callers_once_it_was_succeeded() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      sidecar.expect_ok("suspend", kHold);
      auto held = std::async(std::launch::async, [] { return midair_enter(); });
      midair_app_stop();
      CPPUNIT_ASSERT(!held.get());
      CPPUNIT_ASSERT(!midair_enter());
    });
  }

  void never_gets_its_turn_from_a_sidecar_that_is_gone() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1", true);
      sidecar.hang_up();
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, midair_app_wait_for_turn(kLong, &error));
      midair_app_stop();
    });
  }

  void works_without_a_sidecar() {
    in_child([] {
      midair_app_options options{};
      const std::string modules = kModules + "/v1";
      options.modules_dir = modules.c_str();
      options.log = [](void*, const char*) {};
      midair_error error{};
      ::setenv("MIDAIR_SOCKET", "/nonexistent/app.sock", 1);
      CPPUNIT_ASSERT_EQUAL_MESSAGE(error.text, MIDAIR_OK, midair_app_start(&options, &error));
      CPPUNIT_ASSERT_EQUAL(MIDAIR_OK, midair_app_wait_for_turn(0, &error));
      CPPUNIT_ASSERT_EQUAL(1, version_now());
      midair_app_stop();
      CPPUNIT_ASSERT_EQUAL(1, version_now());
    });
    in_child([] {
      midair_app_options options{};
      options.modules_dir = "/nonexistent";
      midair_error error{};
      CPPUNIT_ASSERT_EQUAL(MIDAIR_FAILED, midair_app_start(&options, &error));
      CPPUNIT_ASSERT_EQUAL(std::string("/nonexistent: No such file or directory"), std::string(error.text));
    });
  }

  void a_child_of_the_app_takes_no_part() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      in_child([] { midair_app_stop(); });
      sidecar.expect_ok("prepare", FakeSidecar::modules_field("v2"));
      sidecar.expect_ok("suspend", kHold);
      in_child([] { CPPUNIT_ASSERT_EQUAL(1, version_now()); });
      sidecar.expect_ok("abort");
      midair_app_stop();
    });
  }

  void takes_requests_in_pieces_and_several_at_once() {
    in_child([] {
      FakeSidecar sidecar;
      sidecar.meet("v1");
      sidecar.send(R"({"id":1,"op":"health","deadline_ms":1000})"
                   "\n"
                   R"({"id":2,"op":"abort","deadline_ms":1000})");
      CPPUNIT_ASSERT(sidecar.receive().starts_with(R"({"id":1,"ok":true)"));
      CPPUNIT_ASSERT_EQUAL(std::string(R"({"id":2,"ok":true})"), sidecar.receive());
      midair_app_stop();
    });
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProtocolTest, "protocol");

}  // namespace midair
