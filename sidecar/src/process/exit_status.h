/// @file
/// How a process ended.
#pragma once

#include <string>

namespace midair::sidecar {

/// A wait status (wait(2)) made readable.
class ExitStatus {
 public:
  /// `wait_status` as waitpid() gave it for a process that has ended.
  explicit ExitStatus(int wait_status) noexcept : wait_status_(wait_status) {}

  /// As a shell reports it: the exit code, or 128 + n after death by signal n.
  [[nodiscard]] int code() const noexcept;
  /// Ended by exit(0).
  [[nodiscard]] bool success() const noexcept { return code() == 0; }
  /// The signal that killed it; 0: none did.
  [[nodiscard]] int signal() const noexcept;
  /// "exited with status 3" or "was killed by signal 9 (KILL)", to follow the name of the process.
  [[nodiscard]] std::string text() const;

 private:
  int wait_status_;
};

}  // namespace midair::sidecar
