/// @file
/// A log that nobody reads must not stop the one who writes it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

namespace midair {

/// For as long as it lives, log() hands its lines to a thread of this object's, which writes them in their order.
/// log() then never waits: not for a pipe or a socket whose reader stands still, not for a stopped terminal, not for a
/// file system that hangs. While `max_bytes` wait to be written, further lines are dropped and counted; the line
/// "log.dropped lines=N" stands where they would have stood, as soon as lines can be written again.
///
/// The descriptor stays in blocking mode: its open file is shared with the app, which writes all that it says itself.
/// One LogWriter at a time, made before the threads that log.
class LogWriter {
 public:
  /// What waits to be written may be this long.
  static constexpr std::size_t kMaxBytes = 256UL * 1024;

  /// `fd` must outlive the process's last line.
  explicit LogWriter(int fd, std::size_t max_bytes = kMaxBytes);
  /// Waits for what is not written yet, half a second at most.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// True once all that was logged before has been written, false if that took longer than `limit`.
  [[nodiscard]] bool flush(std::chrono::milliseconds limit);

 private:
  class Queue;
  std::shared_ptr<Queue> queue_;  ///< shared with the thread, which is left behind where its last write never ends
};

}  // namespace midair
