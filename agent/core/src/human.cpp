#include "midair/human.h"
#include "midair/foreign_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace midair {

namespace {

std::string with_one_decimal(double value, const char* unit) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
  return text.data();
}

}  // namespace

std::string format_age(std::chrono::nanoseconds age) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  const auto two = [](std::int64_t major, const char* unit, std::int64_t minor, const char* minor_unit) {
    return std::to_string(major) + unit + (minor != 0 ? " " + std::to_string(minor) + minor_unit : "");
  };
  if (seconds <= 0) return "0s";
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return two(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return two(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

std::string format_took(std::chrono::nanoseconds took) {
  const auto milliseconds = std::chrono::duration<double, std::milli>(took).count();
  if (milliseconds < 999.5) return std::to_string(std::lround(milliseconds)) + " ms";
  if (milliseconds < 60'000) return with_one_decimal(milliseconds / 1000, "s");
  return format_age(took);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return with_one_decimal(value, unit);
}

std::string short_image(std::string_view image_ref) {
  constexpr std::string_view mark = "deployment-";
  const auto cut = image_ref.find_last_of(":/");
  auto end = cut == std::string_view::npos ? image_ref : image_ref.substr(cut + 1);
  if (end.starts_with(mark)) end.remove_prefix(mark.size());
  return tame(end);
}

std::string count_machines(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " machine" : " machines");
}

}  // namespace midair
