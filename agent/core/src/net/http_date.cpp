#include "net/http_date.h"

#include <algorithm>
#include <charconv>

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

namespace midair {

std::optional<WallTime> parse_http_date(const std::string& text) {
  Poco::DateTime date;
  int zone = 0;
  if (text.empty() || !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, text, date, zone))
    return std::nullopt;
  return wall_time_of(date.timestamp().epochTime());
}

std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& text) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) return std::chrono::seconds(seconds);
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*date - system_clock().wall());
  return std::max(wait, std::chrono::milliseconds::zero());
}

}  // namespace midair
