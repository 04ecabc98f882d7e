#include "output/output_relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "midair/clock.h"
#include "midair/log.h"
#include "output/line_labels.h"

namespace midair::sidecar {

namespace {

/// As large as a pipe: what is read at once ends where a write ended.
constexpr std::size_t kBufferBytes = 64UL * 1024;
/// What is left to be told at the end is two pipes for each generation at most, unless a process that was left behind
/// goes on.
constexpr std::chrono::seconds kLongestEnd{10};

struct Source {
  std::shared_ptr<GenerationOutput> output;
  std::size_t stream = 0;
  std::optional<LineLabels> labels{};
};

/// How much of `bytes` to write into a pipe at once: what that takes whole, and no half line if it can be helped, so
/// that the lines of others never come in between.
std::size_t whole_lines(std::string_view bytes) {
  if (bytes.size() <= PIPE_BUF) return bytes.size();
  const auto end = bytes.rfind('\n', PIPE_BUF - 1);
  return end == std::string_view::npos ? PIPE_BUF : end + 1;
}

bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

/// The thread's side.
class OutputRelay::Pump {
 public:
  Pump(int fd, Fd wakeup) : fd_(fd), to_pipe_(is_pipe(fd)), wakeup_(std::move(wakeup)) {}

  void add(Source source) {
    {
      const std::scoped_lock lock(mutex_);
      added_.push_back(std::move(source));
    }
    wake();
  }

  void begin_to_end() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake();
  }

  bool await_end(std::chrono::milliseconds patience) {
    const BootTime deadline = system_clock().now() + kLongestEnd;
    std::unique_lock lock(mutex_);
    for (std::uint64_t moved = moved_;; moved = moved_) {
      moves_.wait_for(lock, patience, [this, moved] { return ended_ || moved_ != moved; });
      if (ended_) return true;
      if (moved == moved_ || system_clock().now() > deadline) return false;
    }
  }

  /// The thread: until the end, or until that finds it in a write that doesn't return.
  void run() {
    for (bool some = true; some;) {
      const bool ending = take_added();
      some = relay_what_is_there(ending ? 0 : -1) || !ending;
    }
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    moves_.notify_all();
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wakeup_.get(), &one, sizeof one);
  }

  /// True once the end has begun.
  bool take_added() {
    const std::scoped_lock lock(mutex_);
    for (Source& source : added_) sources_.push_back(std::move(source));
    added_.clear();
    return ending_;
  }

  /// Waits so long for what comes next. False if nothing did.
  bool relay_what_is_there(int timeout_ms) {
    std::vector<pollfd> events;
    for (const Source& source : sources_) events.push_back({source.output->fd(source.stream), POLLIN, 0});
    events.push_back({wakeup_.get(), POLLIN, 0});
    ::poll(events.data(), events.size(), timeout_ms);
    std::uint64_t wakes = 0;
    if (events.back().revents != 0) [[maybe_unused]]
      const ssize_t n = ::read(wakeup_.get(), &wakes, sizeof wakes);
    bool some = false;
    for (std::size_t i = sources_.size(); i-- > 0;) {
      if (events[i].revents == 0) continue;
      some = true;
      if (!relay(sources_[i])) sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return some;
  }

  bool relay(Source& source);
  bool write(std::string_view bytes);
  void lose(std::size_t bytes, int error);

  const int fd_;
  const bool to_pipe_;
  const Fd wakeup_;

  // The thread's own.
  std::array<char, kBufferBytes> buffer_{};
  std::vector<Source> sources_;
  bool losing_ = false;  ///< what came last was lost

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable moves_;
  std::vector<Source> added_;
  bool ending_ = false;
  bool ended_ = false;
  std::uint64_t moved_ = 0;  ///< counts what was written
};

/// False if no more will come of it.
bool OutputRelay::Pump::relay(Source& source) {
  const ssize_t n = source.output->read(source.stream, buffer_);
  if (n < 0) return true;
  const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
  bool read = true;
  if (!source.labels)
    read = write(bytes);
  else
    read = write(n > 0 ? source.labels->add(bytes) : source.labels->end());
  if (n > 0 && read) return true;
  source.output->close(source.stream);
  return false;
}

/// False if nobody reads there any more.
bool OutputRelay::Pump::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), to_pipe_ ? whole_lines(bytes) : bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      losing_ = false;
      const std::scoped_lock lock(mutex_);
      ++moved_;
      moves_.notify_all();
    } else if (errno == EAGAIN) {  // some program made the shared open file non-blocking
      pollfd writable{fd_, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      lose(bytes.size(), errno);
      return true;
    }
  }
  return true;
}

void OutputRelay::Pump::lose(std::size_t bytes, int error) {
  if (std::exchange(losing_, true)) return;
  log(LogLevel::warning, "output.lost",
      {{"bytes", std::to_string(bytes)},
       {"and", "what follows, until there is room"},
       {"error", std::strerror(error)}});
}

Result<std::unique_ptr<OutputRelay>> OutputRelay::start(int fd) {
  Fd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return system_error(errno, "create", "an eventfd");
  auto pump = std::make_shared<Pump>(fd, std::move(wakeup));
  sigset_t all{};
  sigset_t previous{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);  // signals are for the others, SIGPIPE included
  Result<void> started;
  try {
    std::thread([pump] { pump->run(); }).detach();
  } catch (const std::system_error& error) {
    started = Error{Errc::io, "start", "a thread for the app's output", error.what()};
  }
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  MIDAIR_TRY(std::move(started));
  return std::unique_ptr<OutputRelay>(new OutputRelay(std::move(pump)));
}

OutputRelay::~OutputRelay() { begin_to_end(); }

void OutputRelay::add(std::shared_ptr<GenerationOutput> output, std::size_t stream, std::optional<std::string> label) {
  Source source{std::move(output), stream};
  if (label) source.labels.emplace(*std::move(label));
  pump_->add(std::move(source));
}

void OutputRelay::begin_to_end() { pump_->begin_to_end(); }

bool OutputRelay::await_end(std::chrono::milliseconds patience) { return pump_->await_end(patience); }

}  // namespace midair::sidecar
