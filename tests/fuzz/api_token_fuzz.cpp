/// @file
/// Any text as a token that was pasted: what is accepted fits into a header, and is no other when it is pasted again.
#include "midair/host/api_token.h"

#include <algorithm>

#include "fuzz.h"
#include "macaroon_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::host;
  const std::string_view text = text_of(data, size);
  static_cast<void>(is_truncated_macaroon("fm2_" + std::string(text)));
  const auto token = parse_token(text, "fuzz");
  if (!token.ok()) return 0;
  const std::string& header = token->authorization.reveal();
  require(std::ranges::none_of(header, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }));
  for (const Secret& pasted : {token->text, token->authorization}) {
    const auto again = parse_token(pasted.reveal(), "fuzz");
    require(!again.ok() || (again->kind == token->kind && again->authorization.reveal() == header));
  }
  return 0;
}
