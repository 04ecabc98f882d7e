#include "midair/host/memory_token_store.h"

namespace midair::host {

Result<std::optional<StoredToken>> MemoryTokenStore::get(const std::string& app, TokenSlot slot,
                                                         const CallLimits& /*limits*/) {
  MIDAIR_TRY(check_token_app(app));
  const std::scoped_lock lock(mutex_);
  const auto found = tokens_.find({app, slot});
  return found == tokens_.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MemoryTokenStore::put(const std::string& app, TokenSlot slot, const StoredToken& token,
                                   const CallLimits& /*limits*/) {
  MIDAIR_TRY(check_token_app(app));
  const std::scoped_lock lock(mutex_);
  tokens_.insert_or_assign({app, slot}, token);
  return {};
}

Result<void> MemoryTokenStore::remove(const std::string& app, TokenSlot slot, const CallLimits& /*limits*/) {
  MIDAIR_TRY(check_token_app(app));
  const std::scoped_lock lock(mutex_);
  tokens_.erase({app, slot});
  return {};
}

Result<std::vector<TokenEntry>> MemoryTokenStore::list(const CallLimits& /*limits*/) {
  const std::scoped_lock lock(mutex_);
  std::vector<TokenEntry> all;
  for (const auto& [key, token] : tokens_) all.push_back({key.first, key.second, token});
  return all;
}

}  // namespace midair::host
