/// @file
/// One request to the Fly API with all that belongs to it: the token, the rate limits, retries, errors.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "midair/host/token_source.h"
#include "midair/json/json_text.h"
#include "midair/net/http_client.h"
#include "rate_limits.h"

namespace midair::host::machines {

/// May a request be sent again when it is not known whether the last one was obeyed?
enum class Repeat { yes, no };

struct FlyRequest {
  std::string op;  ///< a verb phrase for errors: "stop the machine"
  std::string method;
  std::string path;                                          ///< encoded: "/v1/apps/web/machines"
  std::vector<std::pair<std::string, std::string>> query{};  ///< not encoded
  std::string body{};                                        ///< JSON; empty: none
  std::string app{};    ///< whose token; what is about no app names something else, e.g. the organization
  std::string nonce{};  ///< of a lease; empty: none
  Repeat repeat = Repeat::yes;
  Rate rate = kActionRate;
  /// How long the API may think about it, besides the deadline of the call.
  std::chrono::milliseconds patience = std::chrono::seconds(30);
};

/// A way into the API for some paths without a token: the Unix socket in a machine.
struct LocalApi {
  std::unique_ptr<HttpClient> http;
  std::string path;  ///< "/v1/apps/web/machines/148e": what it serves
};

/// Where the token source is, if anywhere; asked at each request, because plugins come and go.
using FindTokens = std::function<std::shared_ptr<TokenSource>()>;

/// Thread-safe.
class FlyClient {
 public:
  FlyClient(std::unique_ptr<HttpClient> http, LocalApi local, FindTokens find_tokens)
      : http_(std::move(http)), local_(std::move(local)), find_tokens_(std::move(find_tokens)) {}

  /// The answer's JSON; nothing where it has no body. What may be repeated is tried again with jitter, as is whatever
  /// was refused with 429 or never reached the API; a token that is answered with 401 is replaced once; a DELETE that
  /// was repeated and finds nothing has succeeded. `in_doubt`, if given, becomes true if the request may have been
  /// obeyed although this call failed.
  [[nodiscard]] Result<JsonText> send(const FlyRequest& request, const CallTimer& timer, bool* in_doubt = nullptr);

 private:
  [[nodiscard]] Result<JsonText> send_until_final(const FlyRequest& request, const ApiToken* token,
                                                  const CallTimer& timer, bool* in_doubt);
  [[nodiscard]] Result<JsonText> send_once(const FlyRequest& request, const ApiToken* token, const CallTimer& timer,
                                           bool* reached);
  [[nodiscard]] bool is_local(const FlyRequest& request) const;

  const std::unique_ptr<HttpClient> http_;
  const LocalApi local_;
  const FindTokens find_tokens_;
  RateLimits rate_limits_;
};

/// "/v1/apps/web/machines": the parts, encoded, each after a slash.
[[nodiscard]] std::string api_path(const std::vector<std::string>& parts);

}  // namespace midair::host::machines
