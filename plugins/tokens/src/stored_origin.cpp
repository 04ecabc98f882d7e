#include <algorithm>

#include "token_origin.h"

namespace midair::host::tokens {

namespace {

class StoredOrigin final : public TokenOrigin {
 public:
  StoredOrigin(TokenStore& store, TokenSlot slot, const Clock& clock) : store_(store), slot_(slot), clock_(clock) {}

  Result<FoundToken> find(const std::string& app, const CallLimits& limits) override {
    MIDAIR_TRY_ASSIGN(const auto stored, store_.get(app, slot_, limits));
    if (!stored) return Error{Errc::not_found, "find", store_.name(), "it holds none for this app"};
    MIDAIR_TRY_ASSIGN(auto token, parse_token(stored->text.reveal(), stored->source + " (" + store_.name() + ")"));
    token.expires_at = stored->expires_at;
    FoundToken found{std::move(token)};
    if (stored->expires_at) {
      const auto left = std::chrono::floor<std::chrono::milliseconds>(*stored->expires_at - clock_.wall());
      if (left.count() <= 0) return Error{Errc::not_found, "use", store_.name(), "the token in it has expired"};
      found.reuse_for = std::min(found.reuse_for, left);
    }
    return found;
  }

  [[nodiscard]] std::string name() const override { return slot_ == TokenSlot::acquired ? "store" : "manual"; }

 private:
  TokenStore& store_;
  const TokenSlot slot_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<TokenOrigin> stored_origin(TokenStore& store, TokenSlot slot, const Clock& clock) {
  return std::make_unique<StoredOrigin>(store, slot, clock);
}

}  // namespace midair::host::tokens
