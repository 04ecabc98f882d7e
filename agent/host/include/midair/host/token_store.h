/// @file
/// Where tokens outlive a process.
///
/// Implementations: MemoryTokenStore (memory_token_store.h), and SQLite and PostgreSQL in the plugin `tokens`. A plugin
/// can offer one more as service "token-store:NAME" of type TokenStore; the setting `tokens.store` names it.
/// tests/support holds the conformance suite that all of them pass.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "midair/call_limits.h"
#include "midair/clock.h"
#include "midair/error.h"
#include "midair/secret.h"

namespace midair::host {

/// The two tokens that an app can have.
enum class TokenSlot {
  acquired,  ///< got by Midair itself; can be got again
  manual,    ///< given by a person; lost means lost
};

/// "acquired" or "manual".
[[nodiscard]] const char* to_string(TokenSlot slot) noexcept;

/// The inverse of to_string(); nothing for other text.
[[nodiscard]] std::optional<TokenSlot> parse_token_slot(std::string_view text) noexcept;

/// A token as it is kept.
struct StoredToken {
  Secret text;                           ///< without scheme
  std::string source;                    ///< ApiToken::source
  WallTime stored_at;                    ///< kept to the millisecond
  std::optional<WallTime> expires_at{};  ///< kept to the millisecond; nothing if unknown
};

/// One entry of a listing.
struct TokenEntry {
  std::string app;
  TokenSlot slot = TokenSlot::acquired;
  StoredToken token;
};

/// Keeps one token per app and slot. An app is any text of 1 to 255 bytes without control characters (Errc::bad_input
/// otherwise). Several threads and, where it is durable, processes may use a store at once; every verb is atomic.
/// Expired tokens are the caller's business. No error shows a token.
class TokenStore {
 public:
  virtual ~TokenStore() = default;
  /// Nothing if there is none.
  virtual Result<std::optional<StoredToken>> get(const std::string& app, TokenSlot slot, const CallLimits& limits) = 0;
  /// Adds or replaces. When it returns success, the token is there after a crash too, if the store is durable.
  virtual Result<void> put(const std::string& app, TokenSlot slot, const StoredToken& token,
                           const CallLimits& limits) = 0;
  /// Success also if there is none.
  virtual Result<void> remove(const std::string& app, TokenSlot slot, const CallLimits& limits) = 0;
  /// All tokens, by app in order of bytes, then acquired before manual.
  virtual Result<std::vector<TokenEntry>> list(const CallLimits& limits) = 0;
  /// What people call this store: "memory", "sqlite /home/me/.local/state/midair/tokens.db". No credentials.
  [[nodiscard]] virtual std::string name() const = 0;
};

/// Errc::bad_input unless `app` obeys the rules stated at TokenStore.
[[nodiscard]] Result<void> check_token_app(std::string_view app);

}  // namespace midair::host
