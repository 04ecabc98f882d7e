#include "midair/json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Parser.h>
#include <Poco/MemoryStream.h>

#include <set>
#include <sstream>

#include "printable.h"
#include "utf8.h"

namespace midair {

namespace {

constexpr std::size_t kMaxDepth = 32;

/// Poco's handler takes the last of two equal keys; two readers that disagree on which one counts are a hole.
class UniqueKeysHandler final : public Poco::JSON::ParseHandler {
 public:
  void startObject() override {
    keys_.emplace_back();
    ParseHandler::startObject();
  }
  void endObject() override {
    keys_.pop_back();
    ParseHandler::endObject();
  }
  void key(const std::string& name) override {
    if (!keys_.back().insert(name).second) throw Poco::JSON::JSONException("duplicate key '" + printable(name) + "'");
    ParseHandler::key(name);
  }

 private:
  std::vector<std::set<std::string>> keys_;  ///< one set for each object that is open
};

Error not_json(const std::string& subject, std::string_view text, const Poco::Exception& problem) {
  Error error{Errc::corrupt, "read", subject, {}};
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '<') {
    error.cause = "it looks like HTML or XML, not JSON";
    error.hint = "check that the store's endpoint is right and no proxy or login page answers in its place";
  } else {
    error.cause = "it is not valid JSON (" + printable(problem.message()) + ")";
  }
  return error;
}

}  // namespace

Result<Poco::JSON::Object::Ptr> parse_json_object(std::string_view text, const std::string& subject,
                                                  std::uint64_t max_bytes) {
  if (text.size() > max_bytes)
    return Error{Errc::corrupt, "read", subject, "it is longer than " + std::to_string(max_bytes) + " bytes"};
  try {
    // From a stream, because Poco's parser takes a byte FF in a string for its end.
    Poco::MemoryInputStream stream(text.data(), static_cast<std::streamsize>(text.size()));
    Poco::JSON::Parser parser(new UniqueKeysHandler);
    parser.setDepth(kMaxDepth);
    const Poco::Dynamic::Var parsed = parser.parse(stream);
    if (parsed.type() == typeid(Poco::JSON::Object::Ptr)) return parsed.extract<Poco::JSON::Object::Ptr>();
    return Error{Errc::corrupt, "read", subject, "it is not a JSON object"};
  } catch (const Poco::Exception& problem) {
    return not_json(subject, text, problem);
  }
}

std::string to_canonical_json(const Poco::JSON::Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return replace_invalid_utf8(text.str());  // Poco writes what it is given
}

}  // namespace midair
