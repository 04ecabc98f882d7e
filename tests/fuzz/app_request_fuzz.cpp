/// @file
/// Any bytes as a line from the sidecar, to an app without modules: what is no JSON is refused as the agent's parser
/// refuses it, and what is a request is answered in JSON.
#include <memory>

#include "fuzz.h"
#include "midair/json/json.h"

extern "C" {
#include "requests.h"
#include "swap.h"
}

namespace midair {

namespace {

/// What the reader makes of every value in `json`, one way or another.
void read_all(midair_json json) {
  char text[64];
  std::uint64_t number = 0;
  bool boolean = false;
  midair_json element{};
  require(json.at < json.end);
  if (midair_json_text(json, text, sizeof text)) require(std::string_view(text).size() < sizeof text);
  if (midair_json_number(json, &number)) require(number < std::uint64_t{1} << 53);
  midair_json_boolean(json, &boolean);
  midair_json_member(json, "id", &element);
  midair_json rest = json;
  while (midair_json_next(&rest, &element)) read_all(element);
}

}  // namespace

}  // namespace midair

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  static midair_app_options options{};
  static midair_session session{};
  static const auto answer = std::make_unique<midair_line>();
  options.log = [](void*, const char*) {};
  session.options = &options;
  session.channel.fd = -1;
  session.stop_fd = -1;

  const std::string line(text_of(data, size));
  midair_json message{};
  if (!midair_json_parse(line.data(), line.size(), &message)) return 0;
  read_all(message);
  if (*message.at != '{' || !midair_serve_request(&session, message, answer.get())) return 0;
  require(!answer->full);
  require(parse_json_object(std::string(answer->text, answer->length), "fuzz", sizeof answer->text).ok());
  require(midair_swap_abort(0, nullptr) == MIDAIR_OK);  // each line meets the same app
  return 0;
}
