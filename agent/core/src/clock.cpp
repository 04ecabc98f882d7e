#include "midair/clock.h"

#include <ctime>

#include <array>
#include <cstdio>

namespace midair {

namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] BootTime now() const override {
    timespec ts{};
    ::clock_gettime(CLOCK_BOOTTIME, &ts);
    return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
  }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::optional<WallTime> wall_time_of(std::int64_t seconds) {
  using namespace std::chrono;
  constexpr auto kEnd = duration_cast<std::chrono::seconds>(sys_days(year(2200) / 1 / 1).time_since_epoch()).count();
  if (seconds < 0 || seconds >= kEnd) return std::nullopt;
  return WallTime(std::chrono::seconds(seconds));
}

std::string format_rfc3339(WallTime time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s.%06dZ", day.data(), static_cast<int>(micros % 1'000'000));
  return text.data();
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const std::string copy(text);
  std::tm parts{};
  const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  std::chrono::microseconds fraction{0};
  if (*rest == '.') {
    auto unit = std::chrono::microseconds(std::chrono::seconds(1));
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest) fraction += (unit /= 10) * (*rest - '0');
  }
  if (*rest != 'Z' || rest + 1 != copy.c_str() + copy.size()) return std::nullopt;
  auto time = wall_time_of(::timegm(&parts));
  if (time) *time += fraction;
  return time;
}

}  // namespace midair
