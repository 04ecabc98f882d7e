#include "midair/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace midair {

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 4> kUnits{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::int64_t kLongest = 366LL * 24 * 3'600'000;

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);  // which needs no unit
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc{} && count >= 0)
    for (const Unit& unit : kUnits)
      if (suffix == unit.suffix && count <= kLongest / unit.milliseconds)
        return std::chrono::milliseconds(count * unit.milliseconds);
  return Error{Errc::bad_input, "understand the duration", "'" + std::string(text) + "'",
               "it is not a number followed by ms, s, m or h", "write it as 200ms, 10s or 5m"};
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t count = duration.count();
  for (const Unit& unit : {kUnits[3], kUnits[2], kUnits[1]})
    if (count != 0 && count % unit.milliseconds == 0)
      return std::to_string(count / unit.milliseconds) + std::string(unit.suffix);
  return count == 0 ? "0s" : std::to_string(count) + "ms";
}

}  // namespace midair
