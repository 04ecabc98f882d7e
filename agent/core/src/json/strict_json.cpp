#include "midair/json/strict_json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <Poco/MemoryStream.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "midair/foreign_text.h"
#include "midair/json/json.h"

namespace midair {

namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxShownDigits = 32;

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

/// The check is what counts.
class Ignore final : public Poco::JSON::Handler {
 public:
  void reset() override {}
  void startObject() override {}
  void endObject() override {}
  void startArray() override {}
  void endArray() override {}
  void key(const std::string& /*name*/) override {}
  void null() override {}
  void value(int /*v*/) override {}
  void value(unsigned /*v*/) override {}
  void value(Poco::Int64 /*v*/) override {}
  void value(Poco::UInt64 /*v*/) override {}
  void value(const std::string& /*v*/) override {}
  void value(double /*v*/) override {}
  void value(bool /*v*/) override {}
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

/// The rest of `text` behind the string that it begins with.
std::string_view behind_string(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return text.substr(std::min(at + 1, text.size()));
}

/// True unless `number` is an integer too large to be exact for everybody.
bool is_exact(std::string_view number) {
  if (number.starts_with('-')) number.remove_prefix(1);
  if (number.find_first_not_of("0123456789") != std::string_view::npos) return true;  // with a fraction or an exponent
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  return error != std::errc::result_out_of_range && value <= kMaxJsonInteger;
}

/// Poco's parser lets integers wrap at 2^64 without a word, so the text itself is looked at.
Result<void> check_integers(std::string_view text, const std::string& subject) {
  while (true) {
    const auto start = text.find_first_of("\"-0123456789");
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start);
    if (text.front() == '"') {
      text = behind_string(text);
      continue;
    }
    const auto number = text.substr(0, text.find_first_not_of("+-.0123456789Ee"));
    if (!is_exact(number))
      return Error{Errc::corrupt, "read", subject,
                   "its integer " + std::string(number.substr(0, kMaxShownDigits)) +
                       (number.size() > kMaxShownDigits ? "..." : "") + " is beyond 2^53 - 1"};
    text.remove_prefix(number.size());
  }
}

Result<void> parse(std::string_view text, const std::string& subject, std::uint64_t max_bytes,
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

}  // namespace

Result<void> parse_json_strictly(std::string_view text, const std::string& subject, std::uint64_t max_bytes,
                                 Poco::JSON::Handler& handler) {
  MIDAIR_TRY(parse(text, subject, max_bytes, handler));
  return check_integers(text, subject);
}

Result<void> check_json(std::string_view text, const std::string& subject, std::uint64_t max_bytes) {
  Ignore ignore;
  return parse(text, subject, max_bytes, ignore);
}

}  // namespace midair
