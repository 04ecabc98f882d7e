/// @file
/// The settings below `tokens.`, and what is built from them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "midair/host/plugin.h"
#include "midair/host/token_store.h"
#include "token_origin.h"

namespace midair::host::tokens {

/// The declared settings. README.md explains each.
[[nodiscard]] const SettingSpec* token_settings(std::size_t* count);

/// The names in `tokens.sources`, in order. Errc::bad_input for a name that isn't one, or is there twice.
[[nodiscard]] Result<std::vector<std::string>> source_names(const Config& config);

/// The origins of those names. They keep references to `store` and `clock`.
[[nodiscard]] std::vector<std::unique_ptr<TokenOrigin>> make_origins(const std::vector<std::string>& names,
                                                                     const Config& config, TokenStore& store,
                                                                     const Clock& clock);

/// The store that `tokens.store` names, opened at the first call. Keeps a reference to `context`, which it asks for the
/// service "token-store:NAME" if NAME is none of "sqlite", "postgresql" and "memory".
[[nodiscard]] std::unique_ptr<TokenStore> make_store(const Context& context);

}  // namespace midair::host::tokens
