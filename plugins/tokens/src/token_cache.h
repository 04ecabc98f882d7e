/// @file
/// Tokens in memory: what nearly every request finds.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "midair/host/api_token.h"
#include "midair/clock.h"

namespace midair::host::tokens {

/// Maps apps to tokens until their time is up. Thread-safe.
///
/// Tokens are asked for with every request and change once a day. So each thread looks into a copy of its own, which it
/// renews when the stamp says that something has changed: a hit takes no lock and writes nothing that other threads
/// read. A thread that never asks again keeps its last copy until it ends.
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
  using Entries = std::unordered_map<std::string, Entry>;
  struct View;

  [[nodiscard]] View take_view() const;

  const Clock& clock_;
  std::atomic<std::uint64_t> stamp_{0};  ///< of what entries_ holds; unique among all caches, 0: nothing yet
  mutable std::mutex mutex_;
  Entries entries_;  ///< guarded by mutex_
};

}  // namespace midair::host::tokens
