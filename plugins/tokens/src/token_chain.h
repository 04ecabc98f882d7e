/// @file
/// The chain of origins behind one TokenSource.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "midair/host/token_source.h"
#include "midair/host/token_store.h"
#include "token_cache.h"
#include "token_origin.h"

namespace midair::host::tokens {

/// Asks origin after origin, the first hit wins, and remembers what it got.
///
/// Callers for one app take turns: one searches, the others wait for what it finds, each within its own limits. Apps
/// don't wait for each other. Thread-safe.
class TokenChain final : public TokenSource {
 public:
  /// Told of each token that was found and ends some day.
  using OnExpiring = std::function<void(const std::string& app, WallTime expires_at)>;

  /// Keeps references to `store`, where expensive tokens are kept if `origins` has "store", and to `clock`.
  TokenChain(std::vector<std::unique_ptr<TokenOrigin>> origins, TokenStore& store, const Clock& clock,
             OnExpiring on_expiring = {});
  ~TokenChain() override;

  Result<std::shared_ptr<const ApiToken>> token(const std::string& app, const CallLimits& limits) override;
  void rejected(const std::string& app, const ApiToken& token) override;

  /// Forgets what is cached and stored (but not a manual token). Once this was called, nobody gets that any more.
  Result<void> invalidate(const std::string& app, const CallLimits& limits);

  /// A token newer than this call. While it is being acquired all callers wait for it.
  Result<std::shared_ptr<const ApiToken>> refresh(const std::string& app, const CallLimits& limits);

  /// Replaces the token by a newer one while callers go on with the old one, which also stays if there is no newer one.
  Result<void> renew(const std::string& app, const CallLimits& limits);

 private:
  struct App;
  class Turn;
  /// What a search may use.
  enum class Scope {
    all,
    without_stored,  ///< and what is stored is removed
    minted,          ///< only what is new
  };

  App& state_of(const std::string& app);
  Result<std::shared_ptr<const ApiToken>> acquire(const std::string& app, const CallLimits& limits);
  /// Searches while nobody else does, and publishes what was found. Nothing if it became void in the meantime.
  std::optional<Result<FoundToken>> take_turn(Turn& turn, const std::string& app, Scope scope,
                                              const CallLimits& limits);
  Result<FoundToken> search(const std::string& app, App& state, Scope scope, const CallLimits& limits);
  void keep(const std::string& app, const ApiToken& token, const CallLimits& limits);
  void publish(const std::string& app, const FoundToken& found);
  /// Says so if the API has rejected a token of another source than the one that is used now.
  static void tell_of_replacement(const std::string& app, App& state, const ApiToken& token);
  [[nodiscard]] bool uses_store() const;

  const std::vector<std::unique_ptr<TokenOrigin>> origins_;
  TokenStore& store_;
  const Clock& clock_;
  const OnExpiring on_expiring_;
  TokenCache cache_;
  std::mutex apps_mutex_;
  std::map<std::string, std::unique_ptr<App>> apps_;  ///< guarded by apps_mutex_; never shrinks
};

}  // namespace midair::host::tokens
