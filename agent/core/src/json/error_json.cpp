#include "midair/json/error_json.h"

#include "midair/foreign_text.h"
#include "midair/json/json.h"
#include "midair/redact.h"

namespace midair {

namespace {

constexpr std::size_t kMaxText = 4096;

std::string text_of(const std::string& text) { return tame_and_cut(redact(text), kMaxText, "\n\t"); }

Poco::Dynamic::Var or_null(const std::string& text) {
  return text.empty() ? Poco::Dynamic::Var() : Poco::Dynamic::Var(text_of(text));
}

}  // namespace

std::string error_json(const Error& error, int exit_status) {
  Poco::JSON::Object::Ptr fields = new Poco::JSON::Object;
  fields->set("code", to_string(error.code));
  fields->set("op", text_of(error.op));
  fields->set("subject", text_of(error.subject));
  fields->set("cause", text_of(error.cause));
  fields->set("hint", or_null(error.hint));
  fields->set("http_status", error.http_status == 0 ? Poco::Dynamic::Var() : Poco::Dynamic::Var(error.http_status));
  fields->set("request_id", or_null(error.request_id));
  Poco::JSON::Object object;
  object.set("error", fields);
  object.set("exit_status", exit_status);
  return to_canonical_json(object);
}

}  // namespace midair
