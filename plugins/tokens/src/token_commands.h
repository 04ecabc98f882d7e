/// @file
/// `midair tokens ...`
#pragma once

#include <memory>
#include <vector>

#include "midair/host/plugin.h"
#include "token_service.h"

namespace midair::host::tokens {

/// The group `tokens` and its commands: get, list, set, refresh, invalidate, delete.
[[nodiscard]] std::vector<CommandSpec> token_commands(const std::shared_ptr<TokenService>& service);

}  // namespace midair::host::tokens
