/// @file
/// What /proc tells of processes.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "midair/fd.h"

namespace midair::sidecar {

/// Some of /proc/PID/stat.
struct ProcessStat {
  static constexpr std::size_t kNameBytes = 16;  // TASK_COMM_LEN

  char state = '?';                     ///< R, S, D, T, Z ...
  pid_t parent = 0;                     ///< 0: in another pid namespace, or none
  pid_t session = 0;                    ///< pid of the session's leader
  long threads = 0;                     ///< of the process, its first one counted until the last is gone
  std::uint64_t start_ticks = 0;        ///< when it started: clock ticks since boot (field 22)
  std::array<char, kNameBytes> comm{};  ///< see name()

  /// What it calls itself, any bytes; cut after 16.
  [[nodiscard]] std::string_view name() const noexcept;
  /// It is a zombie, or about to be one; not one whose first thread alone has ended.
  [[nodiscard]] bool ended() const noexcept { return (state == 'Z' || state == 'X') && threads <= 1; }
};

/// Nothing if there is no such process. A zombie still answers. Async-signal-safe.
[[nodiscard]] std::optional<ProcessStat> process_stat(pid_t pid) noexcept;

/// Reads the content of a /proc/PID/stat. Safe on any bytes. Async-signal-safe.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

/// "123 (server)", for a log or an error: printable ASCII only; "123, which has ended" if there is no such process.
[[nodiscard]] std::string describe_process(pid_t pid);

/// The ids of all processes that there are, as /proc lists them. Everything async-signal-safe.
class ProcessList {
 public:
  ProcessList() noexcept;

  /// 0 after the last.
  [[nodiscard]] pid_t next() noexcept;

 private:
  Fd directory_;
  alignas(std::uint64_t) std::array<char, 8192> entries_{};  // of linux_dirent64
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

}  // namespace midair::sidecar
