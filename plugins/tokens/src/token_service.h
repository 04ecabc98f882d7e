/// @file
/// All of the plugin that outlives start().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "renewer.h"
#include "token_chain.h"
#include "token_settings.h"

namespace midair::host::tokens {

/// The chain with its store and the renewal of what it finds.
class TokenService {
 public:
  /// Keeps a reference to `context`.
  TokenService(const Context& context, const std::vector<std::string>& sources)
      : store_(make_store(context)),
        chain_(make_origins(sources, context.config(), *store_, system_clock()), *store_, system_clock(),
               [this](const std::string& app, WallTime expires_at) { renewer_.schedule(app, expires_at); }),
        renewer_([this](const std::string& app, const CallLimits& limits) { return chain_.renew(app, limits); },
                 system_clock()) {}

  [[nodiscard]] TokenStore& store() { return *store_; }
  [[nodiscard]] TokenChain& chain() { return chain_; }
  void stop() noexcept { renewer_.stop(); }

 private:
  const std::unique_ptr<TokenStore> store_;
  TokenChain chain_;
  Renewer renewer_;
};

}  // namespace midair::host::tokens
