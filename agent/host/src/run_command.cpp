#include "midair/host/run_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "midair/clock.h"
#include "midair/fd.h"

namespace midair::host {

namespace {

constexpr std::chrono::milliseconds kGrace{500};  // between SIGTERM and SIGKILL

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "create", "a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// posix_spawn's two attribute objects.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
  }
  ~SpawnAttributes() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  void arrange(int out, int err) {
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    sigset_t set{};
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes_, &set);
    ::sigfillset(&set);
    ::posix_spawnattr_setsigdefault(&attributes_, &set);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

/// One running program, ended and reaped when this goes.
class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) static_cast<void>(reap());
  }

  Result<void> start(Command command, int out, int err) {
    SpawnAttributes attributes;
    attributes.arrange(out, err);
    const std::string program = command.argv.front();
    const auto argv = pointers_to(command.argv);
    const auto envp = pointers_to(command.environment);
    const int failure =
        ::posix_spawn(&pid_, program.c_str(), attributes.actions(), attributes.attributes(), argv.data(), envp.data());
    if (failure != 0) {
      pid_ = -1;
      return system_error(failure, "start", program);
    }
    ended_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));  // always O_CLOEXEC
    return ended_ ? Result<void>() : system_error(errno, "watch", program);
  }

  /// Readable once the program has ended.
  [[nodiscard]] int ended() const { return ended_.get(); }

  void terminate() const {
    ::kill(-pid_, SIGTERM);
    pollfd ended{ended_.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(kGrace.count()));
  }

  /// Kills what is left of the group, while its leader, not yet reaped, still keeps the number from others.
  int reap() {
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  Fd ended_;
};

/// Appends what can be read now. False once nothing can come any more.
bool drain(int fd, std::string& text, std::size_t max_size) {
  std::array<char, 4096> buffer{};
  while (text.size() <= max_size) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0) return false;
    if (count < 0 && errno != EINTR) return errno == EAGAIN;
  }
  return true;
}

class Run {
 public:
  Run(const Command& command, std::size_t max_output) : command_(command), max_output_(max_output) {}

  Result<CommandOutput> run(const CallLimits& limits) {
    const Fd stopped(::eventfd(0, EFD_CLOEXEC));
    if (!stopped) return system_error(errno, "create", "an event");
    const std::stop_callback on_stop(limits.stop, [&] { ::eventfd_write(stopped.get(), 1); });
    const BootTime deadline = system_clock().now() + limits.deadline;
    {
      MIDAIR_TRY_ASSIGN(Pipe out, make_pipe());
      MIDAIR_TRY_ASSIGN(Pipe err, make_pipe());
      MIDAIR_TRY(process_.start(command_, out.write_end.get(), err.write_end.get()));
      out_ = std::move(out.read_end);
      err_ = std::move(err.read_end);
    }
    ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(err_.get(), F_SETFL, O_NONBLOCK);
    auto failure = await_end(stopped.get(), deadline);
    if (failure) {
      process_.terminate();
      return *std::move(failure);
    }
    output_.status = process_.reap();
    return std::move(output_);
  }

 private:
  /// Reads until the program ends; what others hold its output open for is none of our business.
  std::optional<Error> await_end(int stopped, BootTime deadline) {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().now());
      if (left.count() <= 0) return failed(Errc::timeout, "it did not end in time");
      std::array<pollfd, 4> fds{
          {{stopped, POLLIN, 0}, {process_.ended(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
        return system_error(errno, "wait for", command_.argv.front());
      if (fds[0].revents != 0) return failed(Errc::cancelled, "it was interrupted");
      const bool ended = fds[1].revents != 0;
      if (fds[2].revents != 0 && !drain(out_.get(), output_.out, max_output_)) out_.reset();
      if (fds[3].revents != 0 && !drain(err_.get(), output_.err, max_output_)) err_.reset();
      if (output_.out.size() > max_output_ || output_.err.size() > max_output_)
        return failed(Errc::corrupt, "it writes too much");
      if (ended) return std::nullopt;
    }
  }

  [[nodiscard]] Error failed(Errc code, std::string cause) const {
    return {code, "run", command_.argv.front(), std::move(cause)};
  }

  const Command& command_;
  const std::size_t max_output_;
  Process process_;
  Fd out_;
  Fd err_;
  CommandOutput output_;
};

}  // namespace

Result<CommandOutput> run_command(const Command& command, const CallLimits& limits, std::size_t max_output) {
  return Run(command, max_output).run(limits);
}

}  // namespace midair::host
