#include "token_origin.h"

namespace midair::host::tokens {

namespace {

class EnvironmentOrigin final : public TokenOrigin {
 public:
  explicit EnvironmentOrigin(ReadVariable environment) : environment_(std::move(environment)) {}

  Result<FoundToken> find(const std::string& /*app*/, const CallLimits& /*limits*/) override {
    for (const char* name : {"FLY_ACCESS_TOKEN", "FLY_API_TOKEN"}) {
      const auto text = environment_(name);
      if (!text) continue;
      MIDAIR_TRY_ASSIGN(auto token, parse_token(*text, std::string("environment ") + name));
      return FoundToken{std::move(token)};
    }
    return Error{Errc::not_found, "read", "the environment", "neither FLY_ACCESS_TOKEN nor FLY_API_TOKEN is set"};
  }

  [[nodiscard]] std::string name() const override { return "environment"; }

 private:
  const ReadVariable environment_;
};

}  // namespace

std::unique_ptr<TokenOrigin> environment_origin(ReadVariable environment) {
  return std::make_unique<EnvironmentOrigin>(std::move(environment));
}

}  // namespace midair::host::tokens
