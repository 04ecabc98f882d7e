/// @file
/// Where plugins get the tokens for the Fly API, without knowing how they are come by.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "midair/call_limits.h"
#include "midair/error.h"
#include "midair/host/api_token.h"

namespace midair::host {

/// Gives tokens. The plugin `tokens` registers one as service "token-source". Thread-safe; calls for one app share what
/// has to be waited for, those for different apps don't wait for each other.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  /// A token for `app`, never null. Cheap where one is cached, so ask before every request and keep none. Otherwise it
  /// may wait for files, a data base or a program, at most as long as `limits` say. Errc::not_found where no source has
  /// one, Errc::denied where those that there are were all rejected, Errc::timeout, Errc::cancelled.
  virtual Result<std::shared_ptr<const ApiToken>> token(const std::string& app, const CallLimits& limits) = 0;

  /// The API answered 401 to `token`: nobody gets it again for this app. Ask for another and try once more; see
  /// with_token(). Does nothing if the token was replaced in the meantime.
  virtual void rejected(const std::string& app, const ApiToken& token) = 0;
};

/// Calls `call(const ApiToken&)`, which returns a Result, with a token for `app`; if it fails with HTTP status 401,
/// once more with another. `limits` bound only the waits for tokens.
template <class Call>
auto with_token(TokenSource& source, const std::string& app, const CallLimits& limits, Call&& call)
    -> decltype(call(std::declval<const ApiToken&>())) {
  MIDAIR_TRY_ASSIGN(const auto token, source.token(app, limits));
  auto answer = call(*token);
  if (answer.ok() || answer.error().http_status != 401) return answer;
  source.rejected(app, *token);
  MIDAIR_TRY_ASSIGN(const auto another, source.token(app, limits));
  return call(*another);
}

}  // namespace midair::host
