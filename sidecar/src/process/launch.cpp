#include "process/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "midair/clock.h"
#include "midair/durable_file.h"
#include "process/subreaper.h"
#include "sockets/descriptor_name.h"
#include "sockets/passed_fd.h"
#include "sockets/socket_filter.h"

namespace midair::sidecar {
namespace fs = std::filesystem;

namespace {

constexpr int kFirstPassedFd = 3;  // SD_LISTEN_FDS_START
constexpr std::size_t kPidDigits = 20;
constexpr std::chrono::seconds kExecDeadline{5};

Error cannot_start(Errc code, const std::string& program, std::string cause, std::string hint = {}) {
  return {code, "start", program, std::move(cause), std::move(hint)};
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool is_executable_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

/// The same open file at a number of at least `lowest`.
Result<Fd> lift(int fd, int lowest, const std::string& name) {
  Fd lifted(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
  if (!lifted) return system_error(errno, "pass on the descriptor", name);
  return lifted;
}

/// Every signal at its default; also what the sidecar ignores, since that would survive exec. By the system call itself
/// (rt_sigaction(2)), as glibc keeps its own signals 32 and 33 from us, and whoever started us by its posix_spawn()
/// left them ignored.
void reset_signals() noexcept {
  // All zeros means SIG_DFL, no flags, nothing blocked. Not larger than this on any architecture.
  static constexpr std::array<unsigned long, 8> kDefault{};
  constexpr std::size_t kKernelMaskBytes = 8;
  for (int signo = 1; signo <= SIGRTMAX; ++signo)
    ::syscall(SYS_rt_sigaction, signo, kDefault.data(), nullptr, kKernelMaskBytes);
}

void unblock_signals() noexcept {
  sigset_t none{};
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Result<void> Launch::prepare(const SpawnSpec& spec) {
  if (spec.command.empty() || spec.command.front().empty())
    return Error{Errc::bad_input, "start the app", "", "there is no command", "midair-sidecar run -- COMMAND"};
  directory_ = spec.directory.string();
  arguments_ = spec.command;
  argv_ = pointers_to(arguments_);
  MIDAIR_TRY(lift_descriptors(spec));
  if (spec.adopt_sockets) MIDAIR_TRY(connect_child());
  hear_paths_ = spec.hear_paths;
  copy_environment(spec);
  return find_program(spec);
}

void Launch::copy_environment(const SpawnSpec& spec) {
  std::map<std::string, std::optional<std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) variables.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : spec.environment) variables.insert_or_assign(name, value);
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) variables.erase(name);
  if (!spec.passed_fds.empty()) {
    std::string names;
    for (const auto& [name, fd] : spec.passed_fds) names += (names.empty() ? "" : ":") + name;
    variables["LISTEN_FDS"] = std::to_string(spec.passed_fds.size());
    variables["LISTEN_FDNAMES"] = names;
    variables["LISTEN_PID"] = std::string(kPidDigits, '\0');
  }
  for (const auto& [name, value] : variables)
    if (value) environment_.push_back(name + "=" + *value);
  envp_ = pointers_to(environment_);
  for (std::string& entry : environment_)
    if (entry.starts_with("LISTEN_PID=")) listen_pid_ = entry.data() + std::strlen("LISTEN_PID=");
}

Result<void> Launch::find_program(const SpawnSpec& spec) {
  const std::string& name = spec.command.front();
  if (name.find('/') != std::string::npos) {
    program_ = name;
    return {};
  }
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : environment_)
    if (entry.starts_with("PATH=")) path = entry.substr(std::strlen("PATH="));
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find(':', start), path.size());
    // A place on the PATH that is not absolute counts from the program's working directory, as for a shell there.
    const fs::path candidate = fs::path(path.substr(start, end - start)) / name;
    if (is_executable_file(spec.directory / candidate)) {
      program_ = candidate.has_parent_path() ? candidate.string() : "./" + name;
      return {};
    }
    start = end + 1;
  }
  return cannot_start(Errc::not_found, name, "it is not on the PATH", "a path with a '/', such as ./" + name);
}

Result<void> Launch::lift_descriptors(const SpawnSpec& spec) {
  // Above every place that a descriptor goes to, so that no dup2() in the child runs over one that is yet to move, or
  // finds it in its place already and leaves it O_CLOEXEC.
  const int lowest = kFirstPassedFd + static_cast<int>(spec.passed_fds.size());
  for (const auto& [name, fd] : spec.passed_fds) {
    if (!is_descriptor_name(name))
      return Error{Errc::bad_input, "pass on a descriptor", "",
                   "its name is not 1 to 255 printable ASCII characters without ':'"};
    MIDAIR_TRY_ASSIGN(Fd lifted, lift(fd, lowest, name));
    passed_.push_back(std::move(lifted));
  }
  MIDAIR_TRY_ASSIGN(const Fd null, open_file("/dev/null", O_RDONLY));
  MIDAIR_TRY_ASSIGN(null_, lift(null.get(), lowest, "/dev/null"));
  if (spec.standard_output >= 0) {
    MIDAIR_TRY_ASSIGN(output_, lift(spec.standard_output, lowest, "standard output"));
  }
  if (spec.standard_error >= 0) {
    MIDAIR_TRY_ASSIGN(error_, lift(spec.standard_error, lowest, "standard error"));
  }
  return {};
}

Result<void> Launch::connect_child() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "create", "a pair of sockets");
  from_child_ = Fd(ends[0]);
  const Fd low_end(ends[1]);
  MIDAIR_TRY_ASSIGN(to_sidecar_, lift(low_end.get(), kFirstPassedFd + static_cast<int>(passed_.size()), "a socket"));
  return {};
}

Result<Launched> Launch::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error(errno, "create", "a pipe");
  const Fd reports(ends[0]);
  Fd low_end(ends[1]);
  MIDAIR_TRY_ASSIGN(Fd child_end, lift(low_end.get(), kFirstPassedFd + static_cast<int>(passed_.size()), "a pipe"));
  low_end.reset();
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error(errno, "create", "a socket pair");
  Launched launched;
  launched.link = Fd(ends[0]);
  Fd other_end(ends[1]);

  // No handler of ours may run in the child, so signals wait from before fork() until their dispositions are reset.
  sigset_t all{};
  sigset_t previous{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  const pid_t parent = ::getpid();
  launched.subreaper = ::fork();
  if (launched.subreaper == 0) stand_above_program(parent, other_end.get(), child_end.get());
  const int err = errno;
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  if (launched.subreaper < 0) return explain({Step::fork, err});

  child_end.reset();
  to_sidecar_.reset();
  other_end.reset();
  auto program = await_exec(reports.get());
  if (!program) {
    launched.link.reset();  // which ends it, unless the program hangs in the kernel: then it is left to the Reaper
    if (program.error().code != Errc::timeout) ::waitpid(launched.subreaper, nullptr, 0);
    return std::move(program).error();
  }
  launched.program = *program;
  if (from_child_) socket_calls_ = receive_fd(from_child_.get(), {});  // sent before exec
  return launched;
}

Result<pid_t> Launch::await_exec(int reports) const {
  const BootTime deadline = system_clock().now() + kExecDeadline;
  pid_t program = 0;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().now());
    pollfd readable{reports, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&readable, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0)
      return cannot_start(Errc::timeout, arguments_.front(), "it was not executed within 5s",
                          "check the disk it is on");
    Report report{};
    if (::read(reports, &report, sizeof report) != sizeof report) break;  // closed by exec
    if (report.step != Step::forked) return explain(report);
    program = report.value;
  }
  if (program == 0) return cannot_start(Errc::io, arguments_.front(), "its parent was killed");
  return program;
}

Error Launch::explain(const Report& failure) const {
  const Errc code = system_error(failure.value, "", "").code;
  const std::string why = std::strerror(failure.value);
  const std::string& name = arguments_.front();
  if (failure.step == Step::fork) return cannot_start(Errc::io, name, why, "check memory and process limits");
  const std::string where = directory_.empty() ? "the working directory" : directory_;
  if (failure.step == Step::directory) return cannot_start(code, name, "cannot enter " + where + ": " + why);
  if (failure.step == Step::descriptors) return cannot_start(code, name, "cannot arrange its descriptors: " + why);
  std::error_code error;
  if (failure.value == ENOENT && fs::exists(fs::path(directory_) / program_, error))
    return cannot_start(code, name, why, "see if the interpreter in its first line, or its loader, is installed");
  if (failure.value == ENOENT) return cannot_start(code, name, why, "check that it is in " + where);
  if (failure.value == EACCES) return cannot_start(code, name, why, "chmod +x");
  if (failure.value == ENOEXEC) return cannot_start(code, name, why, "check its first line (#!) and its architecture");
  return cannot_start(code, name, why);
}

// From here on the child: async-signal-safe calls only.

void Launch::stand_above_program(pid_t parent, int link, int reports) const noexcept {
  become_subreaper();
  if (::getppid() != parent) ::_exit(127);  // the parent died before it could take us along
  reset_signals();
  const pid_t self = ::getpid();
  const pid_t program = ::_Fork();
  if (program == 0) become_program(self, reports);
  const Report report = program < 0 ? Report{Step::fork, errno} : Report{Step::forked, program};
  [[maybe_unused]] const ssize_t n = ::write(reports, &report, sizeof report);
  serve_as_subreaper(link, parent, program);
}

void Launch::become_program(pid_t parent, int reports) const noexcept {
  const auto fail = [reports](Step step) {
    const Report failure{step, errno};
    [[maybe_unused]] const ssize_t n = ::write(reports, &failure, sizeof failure);
    ::_exit(127);
  };
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (!directory_.empty() && ::chdir(directory_.c_str()) != 0) fail(Step::directory);
  if (!arrange_descriptors()) fail(Step::descriptors);
  write_listen_pid();
  unblock_signals();
  give_socket_calls();
  ::execve(program_.c_str(), argv_.data(), envp_.data());
  fail(Step::exec);
  ::_exit(127);
}

/// Last of all, so that the filter is on nothing but the program. Where the kernel refuses it, it runs without.
void Launch::give_socket_calls() const noexcept {
  if (!to_sidecar_) return;
  const int listener = install_socket_filter(hear_paths_);
  if (listener < 0) return;
  send_fd(to_sidecar_.get(), listener);
  ::close(listener);
}

bool Launch::arrange_descriptors() const noexcept {
  if (::dup2(null_.get(), STDIN_FILENO) < 0) return false;
  if (output_ && ::dup2(output_.get(), STDOUT_FILENO) < 0) return false;
  if (error_ && ::dup2(error_.get(), STDERR_FILENO) < 0) return false;
  int place = kFirstPassedFd;
  for (const Fd& fd : passed_)
    if (::dup2(fd.get(), place++) < 0) return false;
  // Ours are all O_CLOEXEC; this is for what we inherited or what a library opened.
  return ::close_range(static_cast<unsigned>(place), ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void Launch::write_listen_pid() const noexcept {
  if (listen_pid_ == nullptr) return;
  std::array<char, kPidDigits> reversed{};
  std::size_t count = 0;
  for (pid_t rest = ::getpid(); rest > 0; rest /= 10) reversed[count++] = static_cast<char>('0' + rest % 10);
  for (std::size_t i = 0; i < count; ++i) listen_pid_[i] = reversed[count - 1 - i];
}

}  // namespace midair::sidecar
