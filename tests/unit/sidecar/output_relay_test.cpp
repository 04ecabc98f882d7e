#include "output/output_relay.h"

#include <cppunit/extensions/HelperMacros.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "result_asserts.h"

namespace midair::sidecar {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct LogPipe {
  Fd read_end;
  Fd write_end;

  LogPipe() {
    std::array<int, 2> ends{};
    CPPUNIT_ASSERT_EQUAL(0, ::pipe2(ends.data(), O_CLOEXEC));
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }

  /// So many bytes, as they come.
  [[nodiscard]] std::string read(std::size_t count) const {
    std::string text;
    std::array<char, 65536> chunk{};
    while (text.size() < count) {
      pollfd readable{read_end.get(), POLLIN, 0};
      CPPUNIT_ASSERT_MESSAGE("something comes", ::poll(&readable, 1, 20'000) == 1);
      const ssize_t n = ::read(read_end.get(), chunk.data(), std::min(chunk.size(), count - text.size()));
      CPPUNIT_ASSERT(n > 0);
      text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return text;
  }
};

/// One stream of a generation.
struct AppEnd {
  std::vector<Fd> ends{};
  std::shared_ptr<GenerationOutput> output;

  explicit AppEnd(OutputRelay& relay, std::optional<std::string> label = std::nullopt)
      : output(value_of(GenerationOutput::open(1, ends))) {
    relay.add(output, 0, std::move(label));
  }
  void write(const std::string& text) const {
    CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(text.size()), ::write(ends.front().get(), text.data(), text.size()));
  }
  /// Until nothing more is taken, or much too much; how much was.
  std::size_t fill() const {
    ::fcntl(ends.front().get(), F_SETFL, O_NONBLOCK);
    const std::string line = std::string(99, 'x') + "\n";
    std::size_t bytes = 0;
    for (pollfd writable{ends.front().get(), POLLOUT, 0}; bytes < 1'000'000 && ::poll(&writable, 1, 300) == 1;)
      if (const ssize_t n = ::write(writable.fd, line.data(), line.size()); n > 0) bytes += static_cast<std::size_t>(n);
    return bytes;
  }
};

}  // namespace

class OutputRelayTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(OutputRelayTest);
  CPPUNIT_TEST(bytes_arrive_as_they_were_written);
  CPPUNIT_TEST(lines_of_two_generations_stay_whole);
  CPPUNIT_TEST(who_writes_waits_for_a_reader_that_stands_still);
  CPPUNIT_TEST(the_last_lines_are_known_before_anybody_reads_them);
  CPPUNIT_TEST(who_writes_learns_that_the_reader_is_gone);
  CPPUNIT_TEST(labels_are_put_before_lines);
  CPPUNIT_TEST(the_end_waits_for_what_is_under_way);
  CPPUNIT_TEST(the_end_does_not_wait_for_a_reader_that_stands_still);
  CPPUNIT_TEST(what_a_full_disk_does_not_take_stops_nobody);
  CPPUNIT_TEST_SUITE_END();

  LogPipe log_;
  std::unique_ptr<OutputRelay> relay_ = value_of(OutputRelay::start(log_.write_end.get()));

 public:
  void tearDown() override {
    relay_->begin_to_end();
    ::fcntl(log_.read_end.get(), F_SETFL, O_NONBLOCK);
    std::array<char, 65536> chunk{};
    while (!relay_->await_end(milliseconds(1)))  // lets go of a thread that waits
      while (::read(log_.read_end.get(), chunk.data(), chunk.size()) > 0) continue;
  }

 private:
  void bytes_arrive_as_they_were_written() {
    const AppEnd writer(*relay_);
    const std::string bytes = std::string("no end, ") + '\0' + " a zero, \xff\n\r\n\n";
    writer.write(bytes);
    CPPUNIT_ASSERT_EQUAL(bytes, log_.read(bytes.size()));
  }

  void lines_of_two_generations_stay_whole() {
    const AppEnd one(*relay_);
    const AppEnd two(*relay_);
    const std::string a = std::string(900, 'a') + "\n";
    const std::string b = std::string(700, 'b') + "\n";
    constexpr int kLines = 50;  // which the pipes hold
    for (int i = 0; i < kLines; ++i) {
      one.write(a);
      two.write(b);
    }
    std::string text = log_.read(kLines * (a.size() + b.size()));
    for (int i = 0; i < 2 * kLines; ++i) {
      CPPUNIT_ASSERT(text.starts_with(a) || text.starts_with(b));
      text.erase(0, text.front() == 'a' ? a.size() : b.size());
    }
  }

  void who_writes_waits_for_a_reader_that_stands_still() {
    const AppEnd writer(*relay_);
    const std::size_t written = writer.fill();
    CPPUNIT_ASSERT_MESSAGE(std::to_string(written), written <= 3 * 64UL * 1024);  // two pipes, and the relay's buffer
    const std::string text = log_.read(written);
    CPPUNIT_ASSERT_EQUAL(written / 100, static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  }

  void the_last_lines_are_known_before_anybody_reads_them() {
    const AppEnd other(*relay_);
    other.fill();  // the relay stands still from now on
    const AppEnd writer(*relay_);
    writer.write("first\nno such database\n");
    CPPUNIT_ASSERT((std::vector<std::string>{"first", "no such database"} == writer.output->last_lines()));
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, writer.output->last_lines().size());
  }

  void who_writes_learns_that_the_reader_is_gone() {
    ::signal(SIGPIPE, SIG_IGN);
    const AppEnd writer(*relay_);
    log_.read_end.reset();
    writer.write("anybody?\n");
    pollfd broken{writer.ends.front().get(), 0, 0};
    CPPUNIT_ASSERT_EQUAL(1, ::poll(&broken, 1, 20'000));
    CPPUNIT_ASSERT((broken.revents & POLLERR) != 0);
    ::signal(SIGPIPE, SIG_DFL);
  }

  void labels_are_put_before_lines() {
    {
      const AppEnd writer(*relay_, "[v2 #1] ");
      writer.write("one\ntwo");
    }
    const std::string expected = "[v2 #1] one\n[v2 #1] two\n";
    CPPUNIT_ASSERT_EQUAL(expected, log_.read(expected.size()));
  }

  void the_end_waits_for_what_is_under_way() {
    {
      const AppEnd writer(*relay_);
      writer.write("last words\n");
    }
    relay_->begin_to_end();
    CPPUNIT_ASSERT(relay_->await_end(seconds(20)));
    CPPUNIT_ASSERT_EQUAL(std::string("last words\n"), log_.read(11));
  }

  void the_end_does_not_wait_for_a_reader_that_stands_still() {
    const AppEnd writer(*relay_);
    writer.fill();
    relay_->begin_to_end();
    CPPUNIT_ASSERT(!relay_->await_end(milliseconds(50)));
  }

  void what_a_full_disk_does_not_take_stops_nobody() {
    const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto relay = value_of(OutputRelay::start(full.get()));
    {
      const AppEnd writer(*relay);
      writer.write("lost\n");
    }
    relay->begin_to_end();
    CPPUNIT_ASSERT(relay->await_end(seconds(20)));
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(OutputRelayTest, "output_relay");

}  // namespace midair::sidecar
