/// @file
/// Any text as the address of a store or an object, and as the text of a key.
#include "fuzz.h"
#include "midair/net/url_text.h"
#include "midair/store/object_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string text(text_of(data, size));
  if (const auto url = parse_http_url(text)) {
    require(url->path.empty() || url->path.starts_with('/'));
    const auto again = parse_http_url(url->scheme + "://" + url->authority() + url->path);
    require(again && again->host == url->host && again->port == url->port && again->path == url->path);
  }
  if (const auto key = decode_key(text)) require(check_key(*key).ok());
  require(percent_decode(percent_encode(text, false)) == text);
  require(!check_key(text).ok() || decode_key(percent_encode(text, true)) == text);
  return 0;
}
