/// @file
/// The sidecar's commands and options: parsing, --help, the man page and shell completion are made from this table.
#pragma once

#include "midair/manual/program.h"

namespace midair::sidecar {

/// In an option's `setting` is the environment variable that gives it too.
[[nodiscard]] const manual::Program& command_table();

/// The command of that name; null if there is none.
[[nodiscard]] const manual::Command* find_command(const std::string& name);

}  // namespace midair::sidecar
