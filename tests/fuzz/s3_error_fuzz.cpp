/// @file
/// Any head and body as the refusal of an S3 server: it becomes one line, and a wait that makes sense.
#include "store/s3_error.h"

#include <Poco/Exception.h>
#include <Poco/MemoryStream.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/String.h>

#include <algorithm>
#include <iterator>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  Poco::MemoryInputStream stream(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  Poco::Net::HTTPResponse response;
  try {
    response.read(stream);
  } catch (const Poco::Exception&) {
    return 0;
  }
  HttpHead head{response.getStatus()};
  for (const auto& [name, value] : response) head.headers.emplace(Poco::toLower(name), value);
  const std::string document(std::istreambuf_iterator<char>(stream), {});
  for (const Error& error :
       {s3_error(head, document, {"read", "x"}), s3_error_after_success(head, document, {"read", "x"})}) {
    require(std::ranges::none_of(error.to_string(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }));
    require(!error.retry_after || error.retry_after->count() >= 0);
  }
  return 0;
}
