/// @file
/// Any bytes as a datagram to the notify socket: fields come out whole, and the same when they are sent again.
#include <algorithm>

#include "fuzz.h"
#include "process/notify_socket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  using namespace midair::sidecar;
  const auto fields = parse_notify_fields(text_of(data, size));
  if (!fields.ok()) return 0;
  std::string plain;
  for (const auto& [name, value] : *fields) {
    require(!name.empty() && name.find('=') == std::string::npos);
    require((name + value).find_first_of(std::string_view("\n\0", 2)) == std::string::npos);
    plain.append(name).append("=").append(value).append("\n");
  }
  const auto again = parse_notify_fields(plain);
  require(again.ok() && *again == *fields);
  return 0;
}
