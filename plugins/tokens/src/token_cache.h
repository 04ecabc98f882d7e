/// @file
/// Tokens in memory: what nearly every request finds.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "midair/clock.h"
#include "midair/host/api_token.h"

namespace midair::host::tokens {

/// Maps apps to tokens until their time is up. Thread-safe. A look costs far less than the request that follows it, so
/// one lock for all does.
class TokenCache {
 public:
  /// Keeps a reference to `clock`.
  explicit TokenCache(const Clock& clock) : clock_(clock) {}

  /// Null if there is none, or its time is up.
  [[nodiscard]] std::shared_ptr<const ApiToken> find(const std::string& app) const;
  /// Who asks after this has returned, gets `token` until `good_until`.
  void put(const std::string& app, ApiToken token, BootTime good_until);
  /// Who asks after this has returned, gets nothing.
  void drop(const std::string& app);

 private:
  struct Entry {
    std::shared_ptr<const ApiToken> token;
    BootTime good_until;
  };

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  ///< guarded by mutex_
};

}  // namespace midair::host::tokens
