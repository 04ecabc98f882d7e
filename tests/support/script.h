/// @file
/// Real processes for tests: scripts that are started as an app is, and talk back through a pipe.
#pragma once

#include <cppunit/TestAssert.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "midair/durable_file.h"
#include "midair/fd.h"
#include "process/child.h"
#include "result_asserts.h"

namespace midair::sidecar {

/// Both ends of a pipe, with O_CLOEXEC.
struct Pipe {
  Fd read_end;
  Fd write_end;

  Pipe() {
    std::array<int, 2> ends{};
    CPPUNIT_ASSERT(::pipe2(ends.data(), O_CLOEXEC) == 0);
    read_end = Fd(ends[0]);
    write_end = Fd(ends[1]);
  }
};

/// Waits until the process `pid`, which somebody keeps as a zombie, has ended.
inline void await_zombie(pid_t pid) {
  constexpr int kPatienceMs = 20'000;
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  CPPUNIT_ASSERT(process);
  pollfd ended{process.get(), POLLIN, 0};
  CPPUNIT_ASSERT_EQUAL(1, ::poll(&ended, 1, kPatienceMs));
}

/// Looks at what ends of `child` until its main process has.
inline ExitStatus await_end(Child& child) {
  while (!child.ended()) {
    pollfd readable{child.fd(), POLLIN, 0};
    CPPUNIT_ASSERT_EQUAL(1, ::poll(&readable, 1, -1));
    child.look();
  }
  return *child.ended();
}

/// Looks at what ends of `child` until nothing of it lives.
inline void await_over(Child& child) {
  while (!child.over()) {
    pollfd readable{child.fd(), POLLIN, 0};
    CPPUNIT_ASSERT_EQUAL(1, ::poll(&readable, 1, -1));
    child.look();
  }
}

/// A program run by Child; what it writes to descriptor 3 comes back here. Descriptors passed in addition are 4, 5, ...
class Script {
 public:
  using Descriptors = std::vector<std::pair<std::string, int>>;

  /// Runs `text` with /bin/sh.
  explicit Script(const std::string& text, Descriptors more = {})
      : Script(SpawnSpec{{"/bin/sh", "-c", text}, {}, {}, std::move(more)}) {}

  explicit Script(SpawnSpec spec) : child_(start(std::move(spec))) {}

  ~Script() {
    const pid_t subreaper = child_.tree().root.pid;
    { const Child killed = std::move(child_); }
    if (subreaper > 0) ::waitpid(subreaper, nullptr, 0);
  }

  [[nodiscard]] Child& child() noexcept { return child_; }

  /// The next line of output, without its end; empty after the last.
  std::string line() {
    std::string line;
    for (char c = 0; ::read(output_.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  /// What is still to come, until no process of the script has its output open any more.
  std::string rest() {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = ::read(output_.get(), buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(n));
    return text;
  }

 private:
  Child start(SpawnSpec spec) {
    Pipe pipe;
    spec.passed_fds.insert(spec.passed_fds.begin(), {"out", pipe.write_end.get()});
    output_ = std::move(pipe.read_end);
    return value_of(Child::spawn(spec));
  }

  Fd output_;
  Child child_;
};

}  // namespace midair::sidecar
