/// @file
/// An app whose sockets are adopted, told step by step what to do with them.
#pragma once

#include <cppunit/TestAssert.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "loop/event_loop.h"
#include "process/child.h"
#include "script.h"

namespace midair::sidecar {

/// Lets the loop turn until `reached` is true, for 20 s at most.
inline void turn_until(EventLoop& loop, const std::function<bool()>& reached) {
  const auto limit = loop.after(std::chrono::seconds(20), [] { CPPUNIT_FAIL("it was not reached in 20 s"); });
  EventLoop::Timer next;
  const std::function<void()> look = [&] {
    if (reached()) return loop.quit();
    next = loop.after(std::chrono::milliseconds(1), look);
  };
  look();
  loop.run();
}

/// A Python process that executes one line at a time. Its lines may use
///
///     bound(host, port, reuse_port=False, protocol=0)   a TCP socket that is bound there, with SO_REUSEADDR
///     heard(...)                                        the same, listening
///     took(socket)                                      accepts one connection, if one waits
///     child(line)                                       executes it in a child, then among `children`
///     kill(pid)                                         of a child
class AdoptedApp {
 public:
  /// Starts it with the filter; `before` is a wrapper ("setpriv", ...). What is passed becomes its descriptor 5, 6, ...
  /// With `hear_paths` what it does to paths arrives, too.
  explicit AdoptedApp(EventLoop& loop, std::vector<std::string> before = {}, Script::Descriptors passed = {},
                      bool hear_paths = false)
      : loop_(loop), child_(start(std::move(before), std::move(passed), hear_paths)) {
    watch_ = loop_.watch(output_.get(), EPOLLIN, [this](std::uint32_t) { read(); });
  }

  [[nodiscard]] Child& child() { return child_; }

  /// What the line came to: "done", or the name of the errno with which it failed.
  std::string run(const std::string& line) {
    begin(line);
    return answer();
  }
  /// Does not wait.
  void begin(const std::string& line) const {
    const std::string text = line + "\n";
    CPPUNIT_ASSERT_EQUAL(static_cast<ssize_t>(text.size()), ::write(input_.get(), text.data(), text.size()));
  }
  std::string answer() {
    turn_until(loop_, [this] { return text_.find('\n') != std::string::npos; });
    std::string line = text_.substr(0, text_.find('\n'));
    text_.erase(0, line.size() + 1);
    return line;
  }

 private:
  static constexpr const char* kProgram = R"(
import ctypes, errno, os, select, signal, socket, struct, threading

def bound(host, port, reuse_port=False, protocol=0):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, protocol)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuse_port))
    s.bind((host, port))
    return s

def heard(*what, **more):
    s = bound(*what, **more)
    s.listen(16)
    return s

def took(s):
    s.setblocking(False)
    s.accept()[0].close()

def execute(line):
    try:
        exec(line, globals())
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]

children = []
def child(line):
    told, tells = os.pipe()
    children.append(os.fork())
    if children[-1] == 0:
        os.write(tells, execute(line).encode())
        while True:
            signal.pause()
    answer = os.read(told, 100).decode()
    if answer != "done":
        raise OSError(getattr(errno, answer), answer)

def kill(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

for line in os.fdopen(4):
    os.write(3, execute(line).encode() + b"\n")
)";

  Child start(std::vector<std::string> command, Script::Descriptors passed, bool hear_paths) {
    Pipe out;
    Pipe in;
    for (const char* word : {"/usr/bin/python3", "-c", kProgram}) command.emplace_back(word);
    passed.insert(passed.begin(), {{"out", out.write_end.get()}, {"in", in.read_end.get()}});
    SpawnSpec spec{std::move(command), {}, {}, std::move(passed)};
    spec.adopt_sockets = true;
    spec.hear_paths = hear_paths;
    output_ = std::move(out.read_end);
    input_ = std::move(in.write_end);
    return value_of(Child::spawn(spec));
  }

  void read() {
    std::array<char, 256> buffer{};
    const ssize_t n = ::read(output_.get(), buffer.data(), buffer.size());
    if (n <= 0) return watch_.reset();
    text_.append(buffer.data(), static_cast<std::size_t>(n));
  }

  EventLoop& loop_;
  Fd output_;
  Fd input_;
  std::string text_;
  Child child_;
  EventLoop::Watch watch_;
};

}  // namespace midair::sidecar
