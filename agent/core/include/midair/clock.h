/// @file
/// Time behind a seam, so that tests tick it instead of sleeping.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace midair {

/// Monotonic time since boot, counted through a machine's suspension (CLOCK_BOOTTIME).
using BootTime = std::chrono::nanoseconds;
/// Wall-clock time since the Unix epoch, UTC.
using WallTime = std::chrono::system_clock::time_point;

/// Where the time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// For every deadline and duration.
  [[nodiscard]] virtual BootTime now() const = 0;
  /// For what people read and signatures need; never for deadlines.
  [[nodiscard]] virtual WallTime wall() const = 0;
};

/// The machine's clocks.
[[nodiscard]] const Clock& system_clock();

/// A clock that stands still until told otherwise. For tests.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] BootTime now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }
  void advance(std::chrono::nanoseconds by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  BootTime now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1'790'000'000)};
};

/// Whole seconds since the Unix epoch as a time; nothing before 1970 and after 2199, where times, or the difference of
/// two, would leave what their type can hold.
[[nodiscard]] std::optional<WallTime> wall_time_of(std::int64_t seconds);

/// RFC 3339 in UTC with microseconds, as FlyDeploy writes it: "2026-11-20T21:09:25.241415Z".
[[nodiscard]] std::string format_rfc3339(WallTime time);

/// The inverse, for any RFC 3339 time in UTC ("Z") of the years 1970 to 2199, with or without a fraction; nothing for
/// other text.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace midair
