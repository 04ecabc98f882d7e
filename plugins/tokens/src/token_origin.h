/// @file
/// One link of the chain: a place where a token may be found.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "midair/call_limits.h"
#include "midair/error.h"
#include "midair/host/api_token.h"
#include "midair/host/token_store.h"

namespace midair::host::tokens {

/// The longest time that any token is used without asking its origin again.
inline constexpr std::chrono::hours kMaxCacheTime{24};

/// What an origin found.
struct FoundToken {
  ApiToken token;
  std::chrono::milliseconds reuse_for = kMaxCacheTime;  ///< how long it may be used without asking again
};

/// A place where a token may be found. Thread-safe; called for several apps at once.
class TokenOrigin {
 public:
  virtual ~TokenOrigin() = default;
  /// Errc::not_found where there is none, with the reason as `cause`; other errors where that can't be said.
  virtual Result<FoundToken> find(const std::string& app, const CallLimits& limits) = 0;
  /// As in the setting `tokens.sources`: "environment".
  [[nodiscard]] virtual std::string name() const = 0;
  /// True where find() makes a new token each time: worth keeping, and to be asked ahead of time.
  [[nodiscard]] virtual bool mints() const { return false; }
};

/// Reads a variable; nothing where it is unset or empty.
using ReadVariable = std::function<std::optional<std::string>(const std::string& name)>;

/// "environment": FLY_ACCESS_TOKEN, then FLY_API_TOKEN, as flyctl reads them.
[[nodiscard]] std::unique_ptr<TokenOrigin> environment_origin(ReadVariable environment);

/// "config": `access_token` of flyctl's own file, $FLY_CONFIG_DIR/config.yml or ~/.fly/config.yml. Read only, and read
/// again after 15 s, since flyctl renews parts of that token every few minutes.
[[nodiscard]] std::unique_ptr<TokenOrigin> config_file_origin(ReadVariable environment);

/// What "command" needs to know.
struct FlyCommand {
  std::string program;       ///< a path, or empty: `fly` or `flyctl`, whichever is on the PATH
  std::string organization;  ///< empty: flyctl's own default
  std::chrono::milliseconds time_limit{15'000};
};

/// "command": `fly tokens create readonly -x 24h --json`, which mints a token with the login of flyctl.
[[nodiscard]] std::unique_ptr<TokenOrigin> fly_command_origin(FlyCommand settings, const Clock& clock);

/// "store" or "manual": one slot of the durable store. Keeps references.
[[nodiscard]] std::unique_ptr<TokenOrigin> stored_origin(TokenStore& store, TokenSlot slot, const Clock& clock);

}  // namespace midair::host::tokens
