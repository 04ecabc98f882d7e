#include "midair/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "midair/log.h"

namespace midair {

namespace {

constexpr std::chrono::milliseconds kLastWords{500};

/// False if it can't be written: nobody will ever read it, or the disk is full.
bool write_line(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(fd, line.data(), line.size());
    if (n >= 0) {
      line.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {  // some program made the shared open file non-blocking
      pollfd writable{fd, POLLOUT, 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

/// What waits, and how much was dropped after it.
class LogWriter::Queue {
 public:
  Queue(int fd, std::size_t max_bytes) : fd_(fd), max_bytes_(max_bytes) {}

  void add(std::string line) {
    const std::scoped_lock lock(mutex_);
    // Once one is dropped all are, until what waits is taken: the gap has one place.
    if (dropped_ > 0 || bytes_ + line.size() > max_bytes_) {
      ++dropped_;
      return;
    }
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    news_.notify_one();
  }

  bool flush(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return written_.wait_for(lock, limit, [this] { return lines_.empty() && dropped_ == 0 && !writing_; });
  }

  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    news_.notify_one();
  }

  /// The thread: until end(), or until that finds it in a write that doesn't return.
  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      writing_ = false;
      if (lines_.empty()) written_.notify_all();
      news_.wait(lock, [this] { return ended_ || !lines_.empty(); });
      if (lines_.empty()) return;
      writing_ = true;
      const std::deque<std::string> lines = std::exchange(lines_, {});
      const std::uint64_t dropped = std::exchange(dropped_, 0);
      bytes_ = 0;
      lock.unlock();
      write(lines);
      lost_ += dropped;
      tell_of_lost();
    }
  }

 private:
  void write(const std::deque<std::string>& lines) {
    for (const std::string& line : lines) {
      tell_of_lost();
      if (!write_line(fd_, line)) ++lost_;
    }
  }

  void tell_of_lost() {
    if (lost_ == 0) return;
    const std::string line = format_log_line(LogLevel::warning, "log.dropped", {{"lines", std::to_string(lost_)}});
    if (write_line(fd_, line)) lost_ = 0;
  }

  const int fd_;
  const std::size_t max_bytes_;
  std::uint64_t lost_ = 0;  ///< dropped or not taken by the file, and not told yet; the thread's own

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable news_;
  std::condition_variable written_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;      ///< of lines_
  std::uint64_t dropped_ = 0;  ///< lines that would have come after lines_
  bool writing_ = false;
  bool ended_ = false;
};

LogWriter::LogWriter(int fd, std::size_t max_bytes) : queue_(std::make_shared<Queue>(fd, max_bytes)) {
  sigset_t all{};
  sigset_t previous{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);  // signals are for the others, SIGPIPE included
  std::thread([queue = queue_] { queue->run(); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  set_log_sink([queue = queue_](std::string line) { queue->add(std::move(line)); });
}

LogWriter::~LogWriter() {
  static_cast<void>(flush(kLastWords));
  set_log_sink(nullptr);
  queue_->end();
}

bool LogWriter::flush(std::chrono::milliseconds limit) { return queue_->flush(limit); }

}  // namespace midair
