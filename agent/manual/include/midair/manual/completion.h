/// @file
/// Completion scripts for shells, made from the tables of a command line.
#pragma once

#include <optional>
#include <string>

#include "midair/manual/program.h"

namespace midair::manual {

/// The script for "bash", "zsh" or "fish"; nothing for other shells. Where a name of an app or a machine may stand, it
/// asks `PROGRAM completion apps|machines` with the global options of the line, and offers the words of the answer.
[[nodiscard]] std::optional<std::string> completion_script(const std::string& shell, const Program& program);

}  // namespace midair::manual
