/// @file
/// Tokens for tests.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "midair/host/token_source.h"

namespace midair::host {

/// Gives the first of `tokens` until that is rejected, then the next, at last none. Thread-safe.
class FixedTokens final : public TokenSource {
 public:
  explicit FixedTokens(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

  Result<std::shared_ptr<const ApiToken>> token(const std::string& /*app*/, const CallLimits& /*limits*/) override {
    const std::lock_guard lock(mutex_);
    if (next_ == tokens_.size()) return Error{Errc::denied, "find", "a token", "all were rejected"};
    MIDAIR_TRY_ASSIGN(auto token, parse_token(tokens_[next_], "a test"));
    return std::shared_ptr<const ApiToken>(std::make_shared<const ApiToken>(std::move(token)));
  }
  void rejected(const std::string& /*app*/, const ApiToken& token) override {
    const std::lock_guard lock(mutex_);
    if (next_ < tokens_.size() && token.text.reveal() == tokens_[next_]) ++next_;
  }

 private:
  const std::vector<std::string> tokens_;
  std::mutex mutex_;
  std::size_t next_ = 0;  ///< guarded by mutex_
};

}  // namespace midair::host
