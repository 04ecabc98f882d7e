/// @file
/// Any text as JSON that is passed on: one member changes, all else keeps its bytes. Besides, any text as a string.
#include "midair/json/json_text.h"

#include "fuzz.h"
#include "utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  const std::string text(text_of(data, size));
  const auto quoted = JsonText::parse("[" + json_string(text) + "]", "fuzz", kMaxBytes);
  require(quoted.ok() && quoted->elements().size() == 1);
  require(quoted->elements().front().string() == replace_invalid_utf8(text));

  const auto json = JsonText::parse(text, "fuzz", kMaxBytes);
  if (!json.ok()) return 0;
  for (const JsonText& element : json->elements()) require(!element.text().empty());
  const auto changed = JsonText::parse(json->with("key", "[1]"), "fuzz", kMaxBytes);
  require(changed.ok() && changed->at("key").text() == "[1]");
  for (const auto& [key, value] : json->members()) {
    require(json->at(key).text() == value.text());
    require(key == "key" || changed->at(key).text() == value.text());
  }
  return 0;
}
