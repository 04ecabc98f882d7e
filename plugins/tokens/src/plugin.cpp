/// @file
/// The plugin `tokens`: tokens for the Fly API, and `midair tokens`.
#include <array>

#include "midair/host/plugin.h"
#include "token_commands.h"
#include "token_service.h"
#include "token_settings.h"

namespace midair::host::tokens {

namespace {

class TokensPlugin final : public Plugin {
 public:
  Result<void> start(Context& context) override {
    MIDAIR_TRY_ASSIGN(const auto sources, source_names(context.config()));
    service_ = std::make_shared<TokenService>(context, sources);
    for (auto& command : token_commands(service_)) MIDAIR_TRY(context.add_command(std::move(command)));
    return context.add_service<TokenSource>("token-source", std::shared_ptr<TokenSource>(service_, &service_->chain()));
  }
  void stop() noexcept override {
    if (service_) service_->stop();
  }

 private:
  std::shared_ptr<TokenService> service_;
};

Plugin* create() { return new TokensPlugin; }
void destroy(Plugin* plugin) noexcept { delete plugin; }

constexpr std::array<const char*, 2> kProvides{"token-source", nullptr};
constexpr std::array<const char*, 1> kNeeds{nullptr};
constexpr PluginDescriptor kDescriptor{
    "tokens", MIDAIR_BUILD_VERSION, kProvides.data(), kNeeds.data(), token_settings, create, destroy};

}  // namespace

}  // namespace midair::host::tokens

MIDAIR_PLUGIN(midair::host::tokens::kDescriptor)
