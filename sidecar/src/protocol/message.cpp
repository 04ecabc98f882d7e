#include "protocol/message.h"

#include <algorithm>
#include <array>
#include <utility>

#include "midair/foreign_text.h"

namespace midair::sidecar {

namespace {

constexpr std::uint64_t kLargestInteger = (std::uint64_t(1) << 53) - 1;  // exact in every JSON implementation
constexpr std::size_t kMaxSchemaBytes = 64;
constexpr std::size_t kMaxImports = 32;
constexpr std::size_t kMaxErrorBytes = 1024;

struct Meaning {
  const char* code;
  Errc errc;
};
constexpr std::array<Meaning, 6> kMeanings{{{"failed", Errc::refused},
                                            {"busy", Errc::throttled},
                                            {"unsupported", Errc::not_found},
                                            {"bad_request", Errc::bad_input},
                                            {"expired", Errc::timeout},
                                            {"out_of_order", Errc::precondition}}};

const Meaning& meaning_of(const std::string& code) {
  const auto* const found =
      std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& meaning) { return code == meaning.code; });
  return found == kMeanings.end() ? kMeanings.front() : *found;
}

std::string line_of(const Poco::JSON::Object& object) { return to_canonical_json(object) + '\n'; }

void read_state(JsonReader& reader, Hello& hello) {
  hello.schema = reader.string("schema");
  hello.imports = reader.optional_strings("imports");
  if (!is_schema_name(hello.schema)) reader.complain("'schema' is not 1 to 64 bytes of A-Z a-z 0-9 . _ / -");
  if (hello.imports.size() > kMaxImports) reader.complain("'imports' has more than 32 names");
  if (!std::all_of(hello.imports.begin(), hello.imports.end(), is_schema_name))
    reader.complain("'imports' has a name that is not 1 to 64 bytes of A-Z a-z 0-9 . _ / -");
}

}  // namespace

bool Hello::imports_schema(std::string_view name) const {
  return std::find(imports.begin(), imports.end(), name) != imports.end();
}

bool is_schema_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxSchemaBytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '/' || c == '-';
  });
}

Result<Hello> parse_hello(std::string_view line) {
  const std::string subject = "the app's hello";
  MIDAIR_TRY_ASSIGN(const auto object, parse_json_object(line, subject, kMaxMessageBytes));
  JsonReader reader(*object, subject);
  if (reader.string("op") != "hello") reader.complain("'op' is not \"hello\"");
  const std::uint64_t version = reader.unsigned_integer("protocol");
  MIDAIR_TRY(reader.finish());
  if (version != kProtocolVersion)
    return Error{Errc::refused, "speak with", "the app",
                 "it speaks version " + std::to_string(version) + " of the upgrade protocol, this sidecar version 1"};
  Hello hello;
  hello.sdk = one_line(reader.optional_string("sdk"), kMaxErrorBytes);
  const auto capabilities = reader.optional_strings("capabilities");
  const auto has = [&](const char* name) {
    return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
  };
  hello.keeps_state = has("state");
  hello.swaps_in_place = has("in-place");
  if (hello.keeps_state) read_state(reader, hello);
  MIDAIR_TRY(reader.finish());
  return hello;
}

Result<Answer> parse_answer(std::string_view line) {
  const std::string subject = "the app's answer";
  Answer answer;
  MIDAIR_TRY_ASSIGN(answer.fields, parse_json_object(line, subject, kMaxMessageBytes));
  JsonReader reader(*answer.fields, subject);
  answer.id = reader.unsigned_integer("id");
  if (answer.id > kLargestInteger) reader.complain("'id' is larger than 2^53 - 1");
  answer.ok = reader.boolean("ok");
  if (!answer.ok) {
    answer.code = meaning_of(reader.optional_string("code", "failed")).code;
    answer.error = one_line(reader.optional_string("error"), kMaxErrorBytes);
  }
  MIDAIR_TRY(reader.finish());
  return answer;
}

Error request_error(Errc code, const std::string& op, std::string cause) {
  return {code, "have the app do", "'" + op + "'", std::move(cause)};
}

Error error_of(const std::string& op, const Answer& answer) {
  const std::string why = answer.error.empty() ? "" : ": " + answer.error;
  return request_error(meaning_of(answer.code).errc, op, "it answered '" + answer.code + "'" + why);
}

std::string format_welcome(const Welcome& welcome) {
  Poco::JSON::Object object;
  object.set("op", "welcome");
  object.set("protocol", kProtocolVersion);
  object.set("generation", welcome.generation);
  object.set("digest", welcome.digest);
  object.set("wait", welcome.wait);
  return line_of(object);
}

std::string format_refused(const std::string& error) {
  Poco::JSON::Object object;
  object.set("op", "refused");
  object.set("error", one_line(error, kMaxErrorBytes));
  return line_of(object);
}

Result<std::string> format_request(std::uint64_t id, const std::string& op, std::chrono::milliseconds deadline,
                                   Poco::JSON::Object fields) {
  fields.set("id", id);
  fields.set("op", op);
  fields.set("deadline_ms", static_cast<std::uint64_t>(std::max(deadline.count(), decltype(deadline.count()){0})));
  std::string line = line_of(fields);
  if (line.size() > kMaxMessageBytes)
    return request_error(Errc::bad_input, op, "the request is longer than 65536 bytes");
  return line;
}

}  // namespace midair::sidecar
