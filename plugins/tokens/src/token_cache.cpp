#include "token_cache.h"

namespace midair::host::tokens {

std::shared_ptr<const ApiToken> TokenCache::find(const std::string& app) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(app);
  if (found == entries_.end() || clock_.now() >= found->second.good_until) return nullptr;
  return found->second.token;
}

void TokenCache::put(const std::string& app, ApiToken token, BootTime good_until) {
  auto shared = std::make_shared<const ApiToken>(std::move(token));
  const std::scoped_lock lock(mutex_);
  entries_.insert_or_assign(app, Entry{std::move(shared), good_until});
}

void TokenCache::drop(const std::string& app) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(app);
}

}  // namespace midair::host::tokens
