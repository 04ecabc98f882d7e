#include "fly_error.h"

#include <array>

#include "midair/foreign_text.h"
#include "midair/json/json_text.h"

namespace midair::host::machines {

namespace {

constexpr std::uint64_t kMaxErrorDocument = 64 * 1024;
constexpr std::size_t kMaxText = 500;

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// The words of the API: `message`, else `error`, which may be an object with a message of its own.
std::string text_of(const JsonText& document) {
  for (const char* key : {"message", "error", "detail", "title"}) {
    const JsonText value = document.at(key);
    if (value.is_string()) return value.string();
    if (value.is_object()) return text_of(value);
  }
  return {};
}

/// Fly says so with 409, 412, 422 and 503, and not always with the status meant for it.
bool is_capacity(const std::string& status, const std::string& text) {
  static constexpr std::array kWords{"insufficient resources", "insufficient memory", "insufficient CPUs",
                                     "could not reserve resource"};
  if (status == "insufficient_capacity") return true;
  for (const char* words : kWords)
    if (contains(text, words)) return true;
  return false;
}

std::string hint_for(const Error& error) {
  if (error.code == Errc::no_space) return "another region, a smaller machine, or wait for capacity";
  if (is_lease_conflict(error)) return "wait until the lease ends, or ask its holder";
  if (error.http_status == 401) return "check the token: midair tokens list";
  if (error.http_status == 403) return "use a token that may do this";
  return {};
}

}  // namespace

Error fly_error(const HttpAnswer& answer, std::string op, std::string subject) {
  Error error{errc_of_http_status(answer.status), std::move(op), std::move(subject),
              "HTTP status " + std::to_string(answer.status)};
  error.http_status = answer.status;
  error.request_id = one_line(answer.header("fly-request-id"));
  error.retry_after = answer.retry_after();
  const auto document = JsonText::parse(answer.body, "the answer", kMaxErrorDocument);
  const std::string text = document.ok() ? text_of(*document) : std::string();
  const std::string status = document.ok() ? document->at("status").string() : std::string();
  if (!status.empty() && status != "unknown") error.cause += ", " + one_line(status);
  if (!text.empty()) error.cause += ": " + one_line(text, kMaxText);
  if (is_capacity(status, text)) error.code = Errc::no_space;
  if (!document.ok() && answer.status == 404) {  // somebody else's "not found" must not pass for a missing machine
    error.code = Errc::corrupt;
    error.cause += ", but not in the words of the Machines API";
  }
  error.hint = error.code == Errc::corrupt ? "check FLY_FLAPS_BASE_URL" : hint_for(error);
  return error;
}

bool is_lease_conflict(const Error& error) { return error.http_status == 409 && contains(error.cause, "lease"); }

bool is_still_active(const Error& error) {
  return error.http_status == 412 &&
         (contains(error.cause, "still active") || contains(error.cause, "getting replaced"));
}

}  // namespace midair::host::machines
