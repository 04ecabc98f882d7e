#include "json/strict_json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <Poco/MemoryStream.h>

#include <set>
#include <vector>

#include "midair/foreign_text.h"

namespace midair {

namespace {

constexpr std::size_t kMaxDepth = 32;

/// Refuses duplicate keys: two readers that disagree on which one counts are a hole, and Poco's own handler silently
/// takes the last.
class UniqueKeysHandler final : public ForwardingHandler {
 public:
  using ForwardingHandler::ForwardingHandler;

  void startObject() override {
    keys_.emplace_back();
    ForwardingHandler::startObject();
  }
  void endObject() override {
    keys_.pop_back();
    ForwardingHandler::endObject();
  }
  void key(const std::string& name) override {
    if (!keys_.back().insert(name).second) throw Poco::DataFormatException("duplicate key '" + name + "'");
    ForwardingHandler::key(name);
  }

 private:
  std::vector<std::set<std::string>> keys_;  ///< one set for each object that is open
};

Error not_json(const std::string& subject, std::string_view text, const Poco::Exception& problem) {
  Error error{Errc::corrupt, "read", subject, "it is not valid JSON (" + printable(problem.message()) + ")"};
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '<') {
    error.cause = "it looks like HTML or XML, not JSON";
    error.hint = "check that the store's endpoint is right and no proxy or login page answers in its place";
  }
  return error;
}

}  // namespace

Result<void> parse_json_strictly(std::string_view text, const std::string& subject, std::uint64_t max_bytes,
                                 Poco::JSON::Handler& handler) {
  if (text.size() > max_bytes)
    return Error{Errc::corrupt, "read", subject, "it is longer than " + std::to_string(max_bytes) + " bytes"};
  try {
    // From a stream, because Poco's parser takes a byte FF in a string for its end.
    Poco::MemoryInputStream stream(text.data(), static_cast<std::streamsize>(text.size()));
    Poco::JSON::Parser parser(new UniqueKeysHandler(handler));
    parser.setDepth(kMaxDepth);
    parser.parse(stream);
    return {};
  } catch (const Poco::Exception& problem) {
    return not_json(subject, text, problem);
  }
}

}  // namespace midair
