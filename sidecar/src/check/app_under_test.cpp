#include "check/app_under_test.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "loop/process_table.h"
#include "midair/clock.h"
#include "midair/duration.h"
#include "process/server_end.h"

namespace midair::sidecar {

using std::chrono::milliseconds;

namespace {

/// For poll(): none is left once it has passed.
int milliseconds_until(BootTime deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - system_clock().now());
  return static_cast<int>(std::max(milliseconds(0), left).count());
}

/// Waits until `fd` can be read, or is closed by its other side.
bool await_readable(int fd, milliseconds limit) {
  const BootTime deadline = system_clock().now() + limit;
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    const int ready = ::poll(&readable, 1, milliseconds_until(deadline));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return false;
  }
}

Error wrong(std::string cause) { return {Errc::corrupt, "follow", "the protocol", std::move(cause)}; }

std::string within(milliseconds limit) { return " within " + format_duration(limit); }

}  // namespace

Result<std::unique_ptr<AppUnderTest>> AppUnderTest::start(const Settings& settings, bool wait) {
  static unsigned count = 0;
  const auto path = settings.directory / ("app-" + std::to_string(++count) + ".sock");
  MIDAIR_TRY_ASSIGN(UnixListener listener, listen_at(path, 0666, 1));
  SpawnSpec spec;
  spec.command = settings.command;
  spec.environment = {{"MIDAIR_SOCKET", path.string()}, {"MIDAIR_DIGEST", ""}, {"NOTIFY_SOCKET", std::nullopt}};
  spec.passed_fds = settings.sockets;
  MIDAIR_TRY_ASSIGN(Child child, Child::spawn(spec));
  std::unique_ptr<AppUnderTest> app(new AppUnderTest(std::move(child), std::move(listener)));
  MIDAIR_TRY(app->greet(wait, kPatience));
  return app;
}

AppUnderTest::~AppUnderTest() {
  child_.kill_all();
  look_until([this] { return child_.over(); }, kPatience);
  ::waitpid(child_.tree().root.pid, nullptr, WNOHANG);
}

Result<void> AppUnderTest::greet(bool wait, milliseconds limit) {
  MIDAIR_TRY(await_connection(limit));
  link_ = Fd(::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(link_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || !is_member(peer.pid, child_.tree()))
    return wrong("the process that connected, " + describe_process(peer.pid) + ", does not descend from the app");
  buffer_.clear();
  MIDAIR_TRY_ASSIGN(const std::string line, read_line(limit));
  MIDAIR_TRY_ASSIGN(hello_, parse_hello(line));
  return send_raw(format_welcome({1, "", wait}));
}

Result<void> AppUnderTest::await_connection(milliseconds limit) {
  const BootTime deadline = system_clock().now() + limit;
  for (;;) {
    std::array<pollfd, 2> events{{{listener_.fd.get(), POLLIN, 0}, {child_.fd(), POLLIN, 0}}};
    if (::poll(events.data(), events.size(), milliseconds_until(deadline)) <= 0)
      return wrong("it did not connect to MIDAIR_SOCKET" + within(limit));
    if (events[0].revents != 0) return {};
    child_.look();
    if (child_.ended()) return wrong("it did not connect to MIDAIR_SOCKET, but " + child_.ended()->text());
  }
}

Result<std::uint64_t> AppUnderTest::send(const std::string& op, const Poco::JSON::Object& fields) {
  last_id_ += last_id_;
  Poco::JSON::Object extended = fields;
  extended.set("a field of a later version", "to be ignored");
  MIDAIR_TRY_ASSIGN(const std::string line, format_request(last_id_, op, kPatience, extended));
  MIDAIR_TRY(send_raw(line));
  return last_id_;
}

Result<Answer> AppUnderTest::next_answer() {
  MIDAIR_TRY_ASSIGN(const std::string line, read_line(kPatience));
  return parse_answer(line);
}

Result<Answer> AppUnderTest::ask(const std::string& op, const Poco::JSON::Object& fields) {
  MIDAIR_TRY_ASSIGN(const std::uint64_t id, send(op, fields));
  MIDAIR_TRY_ASSIGN(Answer answer, next_answer());
  if (answer.id != id)
    return wrong("'" + op + "' was asked with id " + std::to_string(id) + ", and answered with id " +
                 std::to_string(answer.id));
  return answer;
}

Result<Answer> AppUnderTest::have_done(const std::string& op, const Poco::JSON::Object& fields) {
  MIDAIR_TRY_ASSIGN(Answer answer, ask(op, fields));
  if (!answer.ok) return error_of(op, answer);
  return answer;
}

Result<void> AppUnderTest::have_refused(const std::string& op, const Poco::JSON::Object& fields,
                                        const std::vector<std::string>& codes) {
  MIDAIR_TRY_ASSIGN(const Answer answer, ask(op, fields));
  if (answer.ok) return wrong("it answered 'ok' to '" + op + "'");
  if (codes.empty() || std::find(codes.begin(), codes.end(), answer.code) != codes.end()) return {};
  return wrong("it answered '" + answer.code + "' to '" + op + "', not '" + codes.front() + "'");
}

Result<void> AppUnderTest::send_raw(const std::string& bytes) {
  if (::send(link_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
      static_cast<ssize_t>(bytes.size()))
    return wrong("it closed the connection, or does not read");
  return {};
}

Result<std::string> AppUnderTest::read_line(milliseconds limit) {
  const BootTime deadline = system_clock().now() + limit;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (buffer_.size() >= kMaxMessageBytes) return wrong("it sent a line of more than 65536 bytes");
    std::array<char, 4096> chunk{};
    if (!await_readable(link_.get(), std::chrono::ceil<milliseconds>(deadline - system_clock().now())))
      return wrong("it said nothing" + within(limit));
    const ssize_t n = ::recv(link_.get(), chunk.data(), chunk.size(), 0);
    if (n <= 0) return wrong("it closed the connection");
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

Result<void> AppUnderTest::await_close() {
  for (;;) {
    std::array<char, 4096> chunk{};
    if (!await_readable(link_.get(), kPatience)) return wrong("it left the connection open" + within(kPatience));
    if (::recv(link_.get(), chunk.data(), chunk.size(), 0) <= 0) return {};
  }
}

void AppUnderTest::hang_up() { link_.reset(); }

bool AppUnderTest::connects_again(milliseconds limit) { return greet(false, limit).ok(); }

bool AppUnderTest::is_alive() { return !await_end(milliseconds(0)); }

bool AppUnderTest::look_until(const std::function<bool()>& reached, milliseconds limit) {
  const BootTime deadline = system_clock().now() + limit;
  while (!reached()) {
    pollfd readable{child_.fd(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, milliseconds_until(deadline));
    if (ready == 0) return false;
    if (ready > 0) child_.look();
  }
  return true;
}

bool AppUnderTest::await_end(milliseconds limit) {
  return look_until([this] { return child_.ended().has_value(); }, limit);
}

Result<ExitStatus> AppUnderTest::end() {
  if (auto sent = child_.signal(SIGTERM); !sent) return std::move(sent).error();
  if (!await_end(kPatience)) return wrong("it did not end" + within(kPatience) + " of SIGTERM");
  return *child_.ended();
}

bool AppUnderTest::accepts(int client, milliseconds limit) const {
  constexpr timespec kLookEvery{0, 10'000'000};
  const BootTime deadline = system_clock().now() + limit;
  for (;;) {
    const auto server_end = server_end_of(client);
    if (server_end && *server_end != 0 && child_.holds_any_socket({*server_end})) return true;
    if (system_clock().now() >= deadline) return false;
    ::nanosleep(&kLookEvery, nullptr);
  }
}

}  // namespace midair::sidecar
