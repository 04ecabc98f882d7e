#include "fly_client.h"

#include "fly_error.h"
#include "midair/net/url_text.h"
#include "midair/retry.h"

namespace midair::host::machines {

namespace {

constexpr std::uint64_t kMaxAnswer = 64 * 1024 * 1024;

std::string target_of(const FlyRequest& request) {
  std::string target = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    target += separator + percent_encode(name, false) + "=" + percent_encode(value, false);
    separator = '&';
  }
  return target;
}

/// True if a request that failed so may have been obeyed nevertheless.
bool may_have_been_obeyed(const Error& error) {
  if (error.code == Errc::no_space || error.code == Errc::throttled) return false;
  return error.http_status == 0 || error.http_status == 408 || error.http_status >= 500;
}

}  // namespace

std::string api_path(const std::vector<std::string>& parts) {
  std::string path = "/v1";
  for (const auto& part : parts) path += "/" + percent_encode(part, false);
  return path;
}

bool FlyClient::is_local(const FlyRequest& request) const {
  return local_.http && (request.path == local_.path || request.path.starts_with(local_.path + "/"));
}

Result<JsonText> FlyClient::send(const FlyRequest& request, const CallTimer& timer, bool* in_doubt) {
  if (is_local(request)) return send_until_final(request, nullptr, timer, in_doubt);
  const auto tokens = find_tokens_();
  if (!tokens)
    return Error{Errc::denied, request.op + " by", request.method + " " + http_->name() + request.path,
                 "there is no plugin that knows tokens", "midair plugins"};
  return with_token(*tokens, request.app, timer.limits(),
                    [&](const ApiToken& token) { return send_until_final(request, &token, timer, in_doubt); });
}

Result<JsonText> FlyClient::send_until_final(const FlyRequest& request, const ApiToken* token, const CallTimer& timer,
                                             bool* in_doubt) {
  RetrySchedule schedule;
  for (bool doubtful = false;;) {
    MIDAIR_TRY(rate_limits_.wait(request.op + " " + request.path, request.rate, timer));
    bool reached = false;
    auto answer = send_once(request, token, timer, &reached);
    if (answer.ok()) return answer;
    const Error& error = answer.error();
    if (doubtful && request.method == "DELETE" && error.code == Errc::not_found) return JsonText();
    const bool obeyed = reached && may_have_been_obeyed(error);
    doubtful = doubtful || obeyed;
    if (in_doubt != nullptr) *in_doubt = doubtful;
    const bool may_repeat = request.repeat == Repeat::yes || !obeyed;
    const auto wait = may_repeat ? schedule.pause_after(error, timer) : std::nullopt;
    if (!wait) return answer;
    pause(*wait, timer.stop());
  }
}

Result<JsonText> FlyClient::send_once(const FlyRequest& request, const ApiToken* token, const CallTimer& timer,
                                      bool* reached) {
  const HttpClient& http = token != nullptr ? *http_ : *local_.http;
  HttpRequest message;
  message.method = request.method;
  message.target = target_of(request);
  message.body = request.body;
  message.repeatable = request.repeat == Repeat::yes || request.method == "GET";
  message.patience = request.patience;
  message.headers.emplace_back("Accept", "application/json");
  if (token != nullptr) message.headers.emplace_back("Authorization", token->authorization.reveal());
  if (!request.nonce.empty()) message.headers.emplace_back("fly-machine-lease-nonce", request.nonce);
  if (!request.body.empty()) message.headers.emplace_back("Content-Type", "application/json");

  const std::string subject = request.method + " " + http.name() + message.target;
  auto answer = http.send(message, kMaxAnswer, timer, reached);
  if (!answer.ok()) {
    Error error = std::move(answer).error();
    error.cause = "cannot " + error.op + " " + error.subject + ": " + error.cause;
    error.op = request.op + " by";
    error.subject = subject;
    return error;
  }
  if (answer->status < 200 || answer->status >= 300) return fly_error(*answer, request.op + " by", subject);
  if (answer->body.find_first_not_of(" \r\n") == std::string::npos) return JsonText();
  return JsonText::parse(std::move(answer->body), "the answer to " + subject, kMaxAnswer);
}

}  // namespace midair::host::machines
