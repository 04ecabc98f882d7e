/// @file
/// The store that the settings name, opened when it is first asked.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "midair/host/token_store.h"

namespace midair::host::tokens {

/// Passes every call to a store that `open` gives at the first of them; while `open` fails, calls fail with its error.
/// Not at start-up, so that commands without use for tokens don't touch it, and since a store may come from a plugin
/// that starts later. Thread-safe.
class ConfiguredTokenStore final : public TokenStore {
 public:
  using Open = std::function<Result<std::shared_ptr<TokenStore>>()>;

  /// `name` is what it is called before it is open.
  ConfiguredTokenStore(std::string name, Open open) : name_(std::move(name)), open_(std::move(open)) {}

  Result<std::optional<StoredToken>> get(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<void> put(const std::string& app, TokenSlot slot, const StoredToken& token, const CallLimits& limits) override;
  Result<void> remove(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<std::vector<TokenEntry>> list(const CallLimits& limits) override;
  [[nodiscard]] std::string name() const override;

 private:
  Result<std::shared_ptr<TokenStore>> store();

  const std::string name_;
  const Open open_;
  mutable std::mutex mutex_;
  std::shared_ptr<TokenStore> store_;  ///< guarded by mutex_; null until open
};

}  // namespace midair::host::tokens
