#include "midair/log.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "midair/clock.h"
#include "midair/durable_file.h"
#include "midair/fd.h"
#include "midair/json/json.h"
#include "midair/log_writer.h"
#include "result_asserts.h"
#include "temp_dir.h"

namespace midair {

using namespace std::chrono_literals;

namespace {

/// The part of a line after time and level.
std::string shown(const std::string& value) {
  const std::string line = format_log_line(LogLevel::info, "e", {{"k", value}});
  return line.substr(line.find(" e k=") + 5);
}

std::string json_line(const std::vector<LogField>& fields) {
  set_log_format(LogFormat::json);
  std::string line = format_log_line(LogLevel::info, "e.f", fields);
  set_log_format(LogFormat::text);
  return line;
}

/// A pipe or a pair of sockets, of which nobody reads but through here.
struct Channel {
  static Channel pipe() {
    std::array<int, 2> ends{};
    CPPUNIT_ASSERT_EQUAL(0, ::pipe2(ends.data(), O_CLOEXEC));
    return {Fd(ends[0]), Fd(ends[1])};
  }
  static Channel sockets() {
    std::array<int, 2> ends{};
    CPPUNIT_ASSERT_EQUAL(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()));
    return {Fd(ends[0]), Fd(ends[1])};
  }

  /// Until it takes no more.
  void fill() const {
    const int flags = ::fcntl(writer.get(), F_GETFL);
    ::fcntl(writer.get(), F_SETFL, flags | O_NONBLOCK);
    const std::string much(PIPE_BUF, 'x');
    while (::write(writer.get(), much.data(), much.size()) > 0) continue;
    ::fcntl(writer.get(), F_SETFL, flags);
  }

  /// What comes until `end` has come.
  [[nodiscard]] std::string read_until(const std::string& end) const {
    std::string text;
    std::array<char, 4096> chunk{};
    while (text.find(end) == std::string::npos) {
      pollfd readable{reader.get(), POLLIN, 0};
      CPPUNIT_ASSERT_MESSAGE(text, ::poll(&readable, 1, 20'000) == 1);
      const ssize_t n = ::read(reader.get(), chunk.data(), chunk.size());
      CPPUNIT_ASSERT(n > 0);
      text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

  Fd reader;
  Fd writer;
};

void goes_on_with_nobody_reading(const Channel& channel) {
  channel.fill();
  constexpr std::size_t kRoom = 2000;
  LogWriter writer(channel.writer.get(), kRoom);
  for (int i = 0; i < 1000; ++i) log(LogLevel::info, "test.line", {{"n", std::to_string(i)}});
  CPPUNIT_ASSERT_MESSAGE("it can't be written", !writer.flush(10ms));
  CPPUNIT_ASSERT_EQUAL(0, ::fcntl(channel.writer.get(), F_GETFL) & O_NONBLOCK);

  const std::string text = channel.read_until("log.dropped lines=");
  CPPUNIT_ASSERT(text.find("test.line n=0\n") != std::string::npos);
  CPPUNIT_ASSERT_MESSAGE("what was dropped is not there", text.find("n=999\n") == std::string::npos);
  log(LogLevel::info, "test.again");
  const std::string later = channel.read_until("test.again\n");
  CPPUNIT_ASSERT_MESSAGE(later, later.find("log.dropped") == std::string::npos);
}

}  // namespace

class LogTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LogTest);
  CPPUNIT_TEST(shows_plain_values_as_they_are);
  CPPUNIT_TEST(escapes_what_forges_lines_or_moves_cursors);
  CPPUNIT_TEST(keeps_text_beyond_ascii);
  CPPUNIT_TEST(bounds_values_and_lines);
  CPPUNIT_TEST(a_line_of_json_is_one_object);
  CPPUNIT_TEST(a_long_line_of_json_is_whole);
  CPPUNIT_TEST(writes_lines_in_their_order);
  CPPUNIT_TEST(drops_and_counts_what_a_full_pipe_does_not_take);
  CPPUNIT_TEST(drops_and_counts_what_a_full_socket_does_not_take);
  CPPUNIT_TEST(counts_what_a_file_does_not_take);
  CPPUNIT_TEST(waits_where_somebody_made_the_open_file_non_blocking);
  CPPUNIT_TEST(ends_while_nobody_reads);
  CPPUNIT_TEST_SUITE_END();

  void shows_plain_values_as_they_are() { CPPUNIT_ASSERT_EQUAL(std::string("a/b:c\n"), shown("a/b:c")); }

  void escapes_what_forges_lines_or_moves_cursors() {
    CPPUNIT_ASSERT_EQUAL(std::string("\"a\\nb \\\"c\\\" \\\\\"\n"), shown("a\nb \"c\" \\"));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\x1b[2J\\x7f\"\n"), shown("\033[2J\177"));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\xc2\\x9b31m\"\n"), shown("\xc2\x9b"
                                                                   "31m"));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\x9b\\xff\"\n"), shown("\x9b\xff"));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\xe2\\x80\\xaegpj\"\n"), shown("\u202egpj"));
    CPPUNIT_ASSERT_EQUAL(std::string("\"\\xd8\\x9cgpj\"\n"), shown("\u061cgpj"));
  }

  void keeps_text_beyond_ascii() { CPPUNIT_ASSERT_EQUAL(std::string("\"Übergröße €\"\n"), shown("Übergröße €")); }

  void bounds_values_and_lines() {
    const std::string huge(10'000, '\033');
    const std::string one = shown(huge);
    CPPUNIT_ASSERT(one.size() < 1300 && one.ends_with("...\"\n"));
    const std::string line = format_log_line(LogLevel::info, "e", {{"a", huge}, {"b", huge}, {"c", "seen"}});
    CPPUNIT_ASSERT(line.ends_with(" c=seen\n"));
    const std::vector<LogField> many(100, {"k", huge});
    CPPUNIT_ASSERT_EQUAL(std::size_t{PIPE_BUF}, format_log_line(LogLevel::info, "e", many).size());
  }

  void a_line_of_json_is_one_object() {
    const std::string line = json_line({{"why", "\"a\\b\"\n\x1b[2J \xff ü"}, {"token", "fm2_abc"}});
    const auto object = value_of(parse_json_object(line, "a line", line.size()));
    CPPUNIT_ASSERT_EQUAL(std::string("info"), object->getValue<std::string>("level"));
    CPPUNIT_ASSERT_EQUAL(std::string("e.f"), object->getValue<std::string>("event"));
    CPPUNIT_ASSERT(parse_rfc3339(object->getValue<std::string>("time")));
    CPPUNIT_ASSERT_EQUAL(std::string("\"a\\b\"\n\x1b[2J \xef\xbf\xbd ü"), object->getValue<std::string>("why"));
    CPPUNIT_ASSERT_EQUAL(std::string("fm2_***"), object->getValue<std::string>("token"));
    CPPUNIT_ASSERT_EQUAL(std::string::npos, line.find('\x1b'));
    CPPUNIT_ASSERT_EQUAL(line.size() - 1, line.find('\n'));
  }

  void a_long_line_of_json_is_whole() {
    const std::string much(5000, '"');
    const std::string line = json_line({{"a", much}, {"b", much}, {"c", much}, {"d", much}, {"e", "short"}});
    CPPUNIT_ASSERT(line.size() <= PIPE_BUF);
    const auto object = value_of(parse_json_object(line, "a line", line.size()));
    CPPUNIT_ASSERT(object->getValue<std::string>("a").ends_with("..."));
    CPPUNIT_ASSERT_EQUAL(std::string("short"), object->getValue<std::string>("e"));
  }

  void writes_lines_in_their_order() {
    const Channel channel = Channel::pipe();
    LogWriter writer(channel.writer.get());
    for (int i = 0; i < 100; ++i) log(LogLevel::info, "test.line", {{"n", std::to_string(i)}});
    const std::string text = channel.read_until("n=99\n");
    std::size_t last = 0;
    for (int i = 0; i < 100; ++i) {
      const std::size_t at = text.find("n=" + std::to_string(i) + "\n", last);
      CPPUNIT_ASSERT_MESSAGE(text, at != std::string::npos);
      last = at;
    }
    CPPUNIT_ASSERT(writer.flush(20s));
  }

  void drops_and_counts_what_a_full_pipe_does_not_take() { goes_on_with_nobody_reading(Channel::pipe()); }
  void drops_and_counts_what_a_full_socket_does_not_take() { goes_on_with_nobody_reading(Channel::sockets()); }

  void counts_what_a_file_does_not_take() {
    const Fd full = value_of(open_file("/dev/full", O_WRONLY));
    TempDir dir;
    const Fd file = value_of(open_file(dir / "log", O_WRONLY | O_CREAT));
    LogWriter writer(full.get());
    log(LogLevel::info, "test.lost");
    log(LogLevel::info, "test.lost");
    CPPUNIT_ASSERT(writer.flush(20s));
    CPPUNIT_ASSERT_EQUAL(full.get(), ::dup3(file.get(), full.get(), O_CLOEXEC));
    log(LogLevel::info, "test.written");
    CPPUNIT_ASSERT(writer.flush(20s));
    const std::string text = value_of(read_file(dir / "log", 4096));
    CPPUNIT_ASSERT_MESSAGE(text, text.find("log.dropped lines=2\n") < text.find("test.written\n"));
  }

  void waits_where_somebody_made_the_open_file_non_blocking() {
    const Channel channel = Channel::pipe();
    channel.fill();
    ::fcntl(channel.writer.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    LogWriter writer(channel.writer.get());
    log(LogLevel::info, "test.line");
    CPPUNIT_ASSERT(!writer.flush(10ms));
    CPPUNIT_ASSERT(channel.read_until("test.line\n").find("log.dropped") == std::string::npos);
  }

  void ends_while_nobody_reads() {
    const Channel channel = Channel::pipe();
    channel.fill();
    {
      const LogWriter writer(channel.writer.get());
      log(LogLevel::info, "test.line");
    }
    // The thread that is left behind writes it still; nothing of this test's is gone under it.
    CPPUNIT_ASSERT(!channel.read_until("test.line\n").empty());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(LogTest, "log");

}  // namespace midair
