/// @file
/// What a process leaves to whoever asks why it failed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process/exit_status.h"

namespace midair::sidecar {

/// Of one generation of the app.
struct LastWords {
  std::vector<std::string> lines{};             ///< it wrote them last; safe to show (see OutputTail)
  std::optional<ExitStatus> ended_by_itself{};  ///< nothing: it lives, or was asked to end
};

}  // namespace midair::sidecar
