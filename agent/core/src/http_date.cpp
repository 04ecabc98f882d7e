#include "http_date.h"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>

namespace midair {

std::optional<WallTime> parse_http_date(const std::string& text) {
  Poco::DateTime date;
  int zone = 0;
  if (text.empty() || !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, text, date, zone))
    return std::nullopt;
  return std::chrono::system_clock::from_time_t(date.timestamp().epochTime());
}

}  // namespace midair
