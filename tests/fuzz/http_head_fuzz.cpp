/// @file
/// Any bytes as the head of an app's answer to a probe: what is accepted means the same when it is said plainly.
#include "process/http_head.h"

#include <algorithm>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  const std::string_view bytes = text_of(data, size);
  const auto head = parse_http_head(bytes);
  if (!head.ok()) return 0;
  require(bytes.size() <= kMaxHttpHeadBytes && bytes.ends_with("\r\n\r\n"));
  require(bytes.find('\0') == std::string_view::npos);
  require(head->status >= 100 && head->status <= 599 && head->release.size() <= 255);
  require(std::ranges::all_of(head->release, [](char c) { return c >= ' ' && c <= '~'; }));

  std::string plain = "HTTP/1.1 " + std::to_string(head->status) + "\r\n";
  if (!head->release.empty()) plain += "Midair-Release: " + head->release + "\r\n";
  const auto again = parse_http_head(plain + "\r\n");
  require(again.ok() && again->status == head->status && again->release == head->release);
  return 0;
}
