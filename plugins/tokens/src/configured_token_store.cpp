#include "configured_token_store.h"

namespace midair::host::tokens {

Result<std::shared_ptr<TokenStore>> ConfiguredTokenStore::store() {
  const std::scoped_lock lock(mutex_);
  if (!store_) {
    MIDAIR_TRY_ASSIGN(store_, open_());
  }
  return store_;
}

Result<std::optional<StoredToken>> ConfiguredTokenStore::get(const std::string& app, TokenSlot slot,
                                                             const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto opened, store());
  return opened->get(app, slot, limits);
}

Result<void> ConfiguredTokenStore::put(const std::string& app, TokenSlot slot, const StoredToken& token,
                                       const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto opened, store());
  return opened->put(app, slot, token, limits);
}

Result<void> ConfiguredTokenStore::remove(const std::string& app, TokenSlot slot, const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto opened, store());
  return opened->remove(app, slot, limits);
}

Result<std::vector<TokenEntry>> ConfiguredTokenStore::list(const CallLimits& limits) {
  MIDAIR_TRY_ASSIGN(const auto opened, store());
  return opened->list(limits);
}

std::string ConfiguredTokenStore::name() const {
  const std::scoped_lock lock(mutex_);
  return store_ ? store_->name() : name_;
}

}  // namespace midair::host::tokens
