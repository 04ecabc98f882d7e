/// @file
/// Completion scripts, made from the command tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "midair/host/plugin.h"

namespace midair::host {

/// The script for "bash", "zsh" or "fish"; nothing for other shells.
[[nodiscard]] std::optional<std::string> completion_script(const std::string& shell,
                                                           const std::vector<const CommandSpec*>& commands);

}  // namespace midair::host
