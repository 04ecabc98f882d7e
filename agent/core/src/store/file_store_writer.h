/// @file
/// The writing side of FileObjectStore: its lock, its version clock and its temporary files.
#pragma once

#include <string>

#include "midair/call_timer.h"
#include "midair/error.h"
#include "midair/fd.h"

namespace midair {

/// The hidden directory at the top of a file store: `lock` and the temporary files.
inline constexpr const char* kHiddenDirectory = ".midair";

/// The exclusive right to change one store, among all threads and processes of the host. Freed when it goes, also by
/// the death of its holder.
class StoreLock {
 public:
  /// Waits for the lock. `hidden` is the open hidden directory. Errc::timeout names the process that holds it.
  static Result<StoreLock> take(int hidden, const CallTimer& timer);

  /// Gives `file` a modification time, in nanoseconds, that is later than that of every file stamped before it.
  /// Errc::refused on a file system that can't keep one.
  [[nodiscard]] Result<void> stamp(int file) const;

 private:
  explicit StoreLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// A file in the hidden directory, on its way to become an object. Removed when it goes, unless it was moved out. While
/// it is written its writer holds an flock on it: one without is a dead writer's, and removed by the next create().
class TemporaryFile {
 public:
  /// `hidden` is the open hidden directory and must outlive this.
  static Result<TemporaryFile> create(int hidden, const CallTimer& timer);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Renames it to `name` in `directory` and flushes that directory.
  [[nodiscard]] Result<void> move_to(int directory, const std::string& name);

 private:
  TemporaryFile(int hidden, std::string name, Fd fd) : hidden_(hidden), name_(std::move(name)), fd_(std::move(fd)) {}

  const int hidden_;
  std::string name_;  ///< empty once it was moved
  Fd fd_;
};

}  // namespace midair
