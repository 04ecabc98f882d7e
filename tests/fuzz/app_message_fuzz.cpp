/// @file
/// Any bytes as a line of an app that speaks the upgrade protocol.
#include <algorithm>

#include "fuzz.h"
#include "protocol/message.h"

namespace midair::sidecar {

namespace {

bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

}  // namespace

}  // namespace midair::sidecar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  constexpr std::size_t kMaxImports = 32;
  constexpr std::uint64_t kLargestId = (std::uint64_t(1) << 53) - 1;
  const std::string_view line = text_of(data, size);
  if (const auto hello = parse_hello(line); hello.ok()) {
    require(is_one_line(hello->sdk) && hello->imports.size() <= kMaxImports);
    require(hello->keeps_state ? is_schema_name(hello->schema) : hello->schema.empty());
    require(std::ranges::all_of(hello->imports, is_schema_name));
  }
  if (const auto answer = parse_answer(line); answer.ok()) {
    require(answer->id <= kLargestId && answer->ok == answer->code.empty());
    require(answer->ok || is_one_line(error_of("suspend", *answer).to_string()));
  }
  const std::string refusal = format_refused(std::string(line));
  require(refusal.find('\n') == refusal.size() - 1 && parse_json_object(refusal, "fuzz", kMaxMessageBytes).ok());
  return 0;
}
