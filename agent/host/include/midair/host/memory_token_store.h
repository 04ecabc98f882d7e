/// @file
/// A token store in memory: for tests, and for control hosts that may keep nothing.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "midair/host/token_store.h"

namespace midair::host {

/// Keeps tokens until it is destroyed. Thread-safe.
class MemoryTokenStore final : public TokenStore {
 public:
  Result<std::optional<StoredToken>> get(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<void> put(const std::string& app, TokenSlot slot, const StoredToken& token, const CallLimits& limits) override;
  Result<void> remove(const std::string& app, TokenSlot slot, const CallLimits& limits) override;
  Result<std::vector<TokenEntry>> list(const CallLimits& limits) override;
  [[nodiscard]] std::string name() const override { return "memory"; }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, TokenSlot>, StoredToken> tokens_;  ///< guarded by mutex_
};

}  // namespace midair::host
