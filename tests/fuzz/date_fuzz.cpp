/// @file
/// Any text as a time: what is accepted is written and read again as the same instant.
#include "fuzz.h"
#include "midair/clock.h"
#include "net/http_date.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string text(text_of(data, size));
  for (const auto& time : {parse_rfc3339(text), parse_http_date(text)})
    if (time) require(parse_rfc3339(format_rfc3339(*time)) == time);
  require(!parse_rfc3339(text + '\0'));
  return 0;
}
